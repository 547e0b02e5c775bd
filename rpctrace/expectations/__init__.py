"""What a capture should show (`<capture>.expect.toml`), compared with what a Report shows of it.

    failed = 1                            # so many calls failed
    [[call]]                              # must be there: all keys given must agree
    kind = "alter_context"
    interface = "IClassFactory"           # a name or a UUID
    status = "RPC_S_SEC_PACKAGE_ERROR"    # any spelling
    [[ticket]]                            # a ticket that was presented
    realm = "child.domainA.COM"
    sname = "novice"
    [[kerberos]]                          # an exchange with a KDC, or a KRB-ERROR
    error = "KDC_ERR_S_PRINCIPAL_UNKNOWN"
    [[finding]]
    rule = "pac-xforest-u2u"              # * and ? stand for anything
    severity = "high"
    least_confidence = 0.6
    [require]                             # the same in short, by one key
    statuses = ["0x721"]
    [forbid]                              # must not be there
    findings = ["clock-*"]
    tickets = ["*@DOMAINB.COM"]
    kerberos_errors = [37]
    [[forbid.call]]                       # the same with more keys; [[absent]] is [[forbid.call]]
    outcome = "unanswered"

Of findings an entry that names neither severity nor confidence means those above a note, which is what a report
claims. What no entry describes is tolerated; with `exact = true` it is a difference (of findings: those above a note,
of exchanges: those that got an error). `tolerate_extra = false` is that for failed calls alone. `count` says how many
an entry describes (without it: at least one).
"""

"""SMB 1, 2 and 3: named pipes, which carry DCE/RPC, and session setups."""

"use strict";
// Everything is there without this script; it adds copying and the filter of the table.
(function () {
  const page = document.documentElement;
  const toast = document.getElementById("toast");
  let fading = 0;
  page.classList.add("js");

  function tell(text) {
    toast.textContent = text;
    toast.classList.add("on");
    clearTimeout(fading);
    fading = setTimeout(() => toast.classList.remove("on"), 2200);
  }

  function copyThroughSelection(text) {
    const field = document.createElement("textarea");
    field.className = "away";
    field.value = text;
    document.body.append(field);
    field.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      done = false;
    }
    field.remove();
    return done;
  }

  async function copy(text) {
    let done = false;
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        done = true;
      } catch {
        done = false;
      }
    }
    done = done || copyThroughSelection(text);
    tell(done ? "Copied: " + text : "Copy this: " + text);
  }

  for (const each of document.querySelectorAll("[data-copy]")) {
    each.hidden = false;
    if (each.localName !== "button") {
      each.setAttribute("role", "button");
      each.setAttribute("tabindex", "0");
    }
  }
  document.addEventListener("click", (event) => {
    const source = event.target.closest("[data-copy]");
    if (source) copy(source.dataset.copy);
  });
  document.addEventListener("keydown", (event) => {
    const source = event.target.closest("[data-copy]:not(button)");
    if (source && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      copy(source.dataset.copy);
    }
  });

  // The table: every word has to be in a row, in any case.
  const input = document.getElementById("filter");
  if (input) {
    const rows = [...document.querySelectorAll(".records tbody tr")];
    const buttons = [...document.querySelectorAll(".kinds button")];
    const count = document.getElementById("count");
    let texts = null;
    let kind = "";
    const isOfKind = (row) =>
      kind === "" || (kind === "failed" ? "failed" in row.dataset : row.dataset.kind === kind);
    const apply = () => {
      texts = texts || rows.map((row) => row.textContent.toLowerCase());
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      rows.forEach((row, place) => {
        const fits = isOfKind(row) && words.every((word) => texts[place].includes(word));
        row.hidden = !fits;
        left += fits ? 1 : 0;
      });
      count.textContent = left + " of " + rows.length;
    };
    input.closest(".controls").hidden = false;
    input.addEventListener("input", apply);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        kind = button.dataset.kind;
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
        apply();
      });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target.localName !== "input") {
        event.preventDefault();
        input.focus();
      }
    });
  }

  // A link to a finding opens it; paper shows all of them.
  const openTarget = () => {
    const target = location.hash.startsWith("#finding-") && document.getElementById(location.hash.slice(1));
    if (target) target.open = true;
  };
  window.addEventListener("hashchange", openTarget);
  openTarget();
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();

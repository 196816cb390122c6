// What is nicer with a script; every page is complete without it.

/** Password fields say what they hold when asked. */
for (const field of document.querySelectorAll("input[type=password][data-show]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = field.dataset.show;
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => {
    const isHidden = field.type === "password";
    field.type = isHidden ? "text" : "password";
    button.textContent = isHidden ? field.dataset.hide : field.dataset.show;
  });
  // What was shown is hidden again before it leaves, so that no browser keeps it as ordinary text.
  field.form?.addEventListener("submit", () => (field.type = "password"));
  const row = document.createElement("div");
  row.className = "shown";
  field.replaceWith(row);
  row.append(field, button);
  if (field.autofocus) field.focus();
}

/** The text of a list with a line for each entry, or of anything else. */
function textOf(element) {
  const entries = [...element.querySelectorAll("li")];
  return entries.length > 0 ? entries.map((entry) => entry.textContent.trim()).join("\n") : element.textContent.trim();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  const label = button.textContent;
  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(source));
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = label), 4000);
    } catch {
      // Not allowed to: the text can still be selected.
      getSelection()?.selectAllChildren(source);
    }
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/** Notices go when they were read. */
for (const notice of document.querySelectorAll(".notice[data-dismiss]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = notice.dataset.dismiss;
  button.addEventListener("click", () => notice.remove());
  notice.append(" ", button);
}

/** The zone of this device, for whoever wants it. */
for (const button of document.querySelectorAll("button[data-zone]")) {
  const list = document.getElementById(button.dataset.zone);
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isOffered = [...(list?.options ?? [])].some((option) => option.value === here);
  if (!isOffered) continue;
  button.hidden = false;
  button.textContent += ` (${here})`;
  button.addEventListener("click", () => (list.value = here));
}

// Keys: "/" searches, "?" explains. Both can be turned off (WCAG 2.1.4).
const KEYS = "twinlock-keys";

function hasKeys() {
  try {
    return localStorage.getItem(KEYS) !== "off";
  } catch {
    return true;
  }
}

const keys = document.getElementById("keys-switch");
if (keys) {
  keys.closest("[hidden]")?.removeAttribute("hidden");
  keys.checked = hasKeys();
  keys.addEventListener("change", () => {
    try {
      localStorage.setItem(KEYS, keys.checked ? "on" : "off");
    } catch {
      // Nothing is kept where nothing may be.
    }
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !hasKeys()) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
  } else if (event.key === "?" && document.querySelector("a[href='/account']")) {
    location.assign("/account#keys");
  }
});

// A form that was sent again with a fault: the field that has it.
if (!document.querySelector("[autofocus]")) document.querySelector("[aria-invalid=true]")?.focus();

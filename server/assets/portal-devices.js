// Admin → Devices brings itself up to date while it is open. Without this file it does so when it is loaded again.
const part = () => document.getElementById("waiting");

// What somebody has begun to type stays, and so does the place where they type.
function keep() {
  const typed = new Map();
  for (const field of part().querySelectorAll("input:not([type=hidden]), textarea")) {
    if (field.id) typed.set(field.id, field.type === "checkbox" ? field.checked : field.value);
  }
  const active = document.activeElement;
  const at = active && active.id && part().contains(active) ? active.id : "";
  const range = at && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  return { typed, at, range };
}

function restore({ typed, at, range }) {
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value;
    else field.value = value;
  }
  const field = at && document.getElementById(at);
  if (!field) return;
  field.focus({ preventScroll: true });
  if (range && field.setSelectionRange) field.setSelectionRange(...range);
}

let busy = false;
let wanted = "";

async function refresh() {
  if (busy || !part() || part().dataset.mark === wanted) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    // Led elsewhere: the session is over, or a code is asked for.
    if (answer.redirected || !answer.ok) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("waiting");
    if (!fresh) return location.reload();
    const kept = keep();
    part().replaceWith(document.importNode(fresh, true));
    restore(kept);
    const said = document.getElementById("waiting-said");
    if (said) said.textContent = part().dataset.said;
    // The mark that the page itself bears is the truth from here on.
    wanted = part().dataset.mark;
  } catch {
    // Not reachable: the stream comes back by itself, with the mark of then.
  } finally {
    busy = false;
  }
}

function watch() {
  const stream = new EventSource(part().dataset.events);
  stream.addEventListener("devices", (event) => {
    wanted = event.data;
    refresh();
  });
  stream.addEventListener("end", () => {
    stream.close();
    location.reload();
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

if (part()) watch();

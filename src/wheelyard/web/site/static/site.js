// What pages do beyond what htmx does for them. Every page is complete without it.
"use strict";

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "Escape") {
    const found = document.getElementById("found");
    if (found) found.replaceChildren();
  }
});

// Buttons with data-copy put the text of another element onto the clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !navigator.clipboard) return;
  const from = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(from.textContent.trim());
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
});

// A log is followed where an element says which stream it is.
function follow(element) {
  const stream = new EventSource(element.dataset.follow);
  const stays = document.getElementById("follow-end");
  const most = 2_000_000;
  let held = 0;
  stream.addEventListener("log", (event) => {
    const { text } = JSON.parse(event.data);
    element.append(text);
    held += text.length;
    while (held > most && element.childNodes.length > 1) {
      held -= element.firstChild.textContent.length;
      element.firstChild.remove();
    }
    if (!stays || stays.checked) element.scrollTop = element.scrollHeight;
  });
  stream.addEventListener("attempt", () => { element.replaceChildren(); held = 0; });
  stream.addEventListener("end", () => { stream.close(); location.reload(); });
}
for (const element of document.querySelectorAll("[data-follow]")) follow(element);

// What somebody began to fill in stays when the part around it is shown again.
function begun(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return Array.from(field.options).some((one) => one.selected !== one.defaultSelected);
  return field.value !== field.defaultValue;
}
if (window.Idiomorph) {
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) =>
    !(old.matches && old.matches("input:not([type=hidden]), textarea, select") && begun(old));
}

// The console works without this file. It adds a copy button to what is to be
// copied, and selects it on focus.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = button.parentElement.querySelector("[data-copied]");
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Off https, or refused: the old way needs a selection and no permission.
      field.select();
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    said.textContent = "Copied to the clipboard";
  });
}

// A slider over a school's days beside the field that works without a script.
const form = document.getElementById("days");
const field = form.querySelector("select");
const slider = document.createElement("input");
Object.assign(slider, { type: "range", min: 0, max: field.options.length - 1, value: field.selectedIndex, className: "wide" });
slider.setAttribute("aria-label", form.dataset.slider);
form.querySelector("button").replaceWith(slider);

let wanted = null;
let busy = false;

// One request at a time; of days passed on the way only the last is shown.
async function show() {
  slider.setAttribute("aria-valuetext", field.value);
  wanted = field.value;
  if (busy) return;
  busy = true;
  try {
    while (wanted !== null) {
      const day = wanted;
      wanted = null;
      const address = location.pathname + "?day=" + encodeURIComponent(day);
      const answer = await fetch(address);
      if (!answer.ok) continue;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("shown");
      if (fresh) document.getElementById("shown").replaceWith(document.adoptNode(fresh));
      history.replaceState(null, "", address);
    }
  } catch (_) { /* the table of before stays */ }
  busy = false;
}

slider.addEventListener("input", () => {
  field.selectedIndex = Number(slider.value);
  show();
});
field.addEventListener("change", () => {
  slider.value = String(field.selectedIndex);
  show();
});
slider.setAttribute("aria-valuetext", field.value);

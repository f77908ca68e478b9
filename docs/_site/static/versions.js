// Leads from a page to the same page of another version. The folders of all versions lie side by side, and versions.json
// beside them lists them, so that a page that was built long ago knows those that came later.
(async () => {
  const box = document.querySelector("[data-versions]");
  const list = new URL(box.dataset.versions, location);
  const versions = await (await fetch(list)).json();
  const select = box.querySelector("select");
  for (const version of versions) {
    select.append(new Option(version, version, false, version === box.dataset.version));
  }
  select.addEventListener("change", async () => {
    const folder = new URL(`${select.value}/`, list);
    const same = new URL(box.dataset.page, folder);
    const found = await fetch(same, { method: "HEAD" });
    location.assign(found.ok ? same : folder);
  });
  box.hidden = false;
})();

// Keys, and pages that follow the store. Everything works without it.
"use strict";
(() => {
  const EVERY = 2000; // milliseconds between two refreshes, at least
  const live = document.getElementById("live");
  const help = document.getElementById("help");
  const find = document.getElementById("find");
  let paused = false, changed = false, last = 0, timer = 0, busy = false;

  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  const held = () => paused || document.hidden || help.open || typing() ||
    !getSelection().isCollapsed || new URLSearchParams(location.search).has("before");

  function pause(now) {
    paused = now;
    live.setAttribute("aria-pressed", paused);
    live.textContent = paused ? "Paused" : "Live";
    refresh();
  }

  // The element at the same place in the new content gets the focus that the old one had.
  const path = (node, top) => {
    const steps = [];
    for (; node && node !== top; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
    return node === top ? steps : null;
  };

  async function refresh() {
    clearTimeout(timer);
    if (!changed || busy) return;
    const wait = held() ? 500 : Math.max(0, last + EVERY - Date.now());
    if (wait) { timer = setTimeout(refresh, wait); return; }
    busy = true; changed = false; last = Date.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const text = await answer.text();
      if (held()) { changed = true; return; }
      const page = new DOMParser().parseFromString(text, "text/html");
      const old = document.getElementById("main"), made = page.getElementById("main");
      if (!made) return;
      const focus = old.contains(document.activeElement) ? path(document.activeElement, old) : null;
      const at = rows().findIndex((row) => row.classList.contains("at"));
      const open = [...old.querySelectorAll("details")].map((each) => each.open);
      old.replaceChildren(...made.childNodes);
      [...old.querySelectorAll("details")].forEach((each, number) => { each.open = open[number] ?? false; });
      document.querySelector("header nav").replaceWith(page.querySelector("header nav"));
      rows()[at]?.classList.add("at");
      focus?.reduce((node, step) => node?.children[step], old)?.focus({ preventScroll: true });
    } catch {
      changed = true; // the server is away: the next try is in two seconds
    } finally {
      busy = false;
      if (changed) timer = setTimeout(refresh, EVERY);
    }
  }

  const rows = () => [...document.querySelectorAll("#main tbody tr")].filter((row) => row.querySelector("a"));
  function move(step) {
    const all = rows(), at = all.findIndex((row) => row.classList.contains("at"));
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (!next) return;
    all[at]?.classList.remove("at");
    next.classList.add("at");
    next.querySelector("a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { if (typing()) document.activeElement.blur(); return; }
    if (typing() || help.open) return;
    const act = {
      "/": () => { find.focus(); find.select(); }, j: () => move(1), k: () => move(-1),
      p: () => pause(!paused), "?": () => help.showModal(),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  live.hidden = false;
  document.querySelector(".keys").hidden = false;
  live.addEventListener("click", () => pause(!paused));
  const source = new EventSource(document.querySelector("script[data-events]").dataset.events);
  source.addEventListener("changed", () => { changed = true; refresh(); });
  addEventListener("pagehide", () => source.close());
})();

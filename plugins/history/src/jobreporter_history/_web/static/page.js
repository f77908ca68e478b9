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

  // What is the same in the new content: the link to the same page, even if rows have come before it, or else whatever
  // is at the same place.
  const links = (top, href) => [...top.querySelectorAll("a[href]")].filter((each) => each.getAttribute("href") === href);
  function finder(node, top) {
    const steps = [], href = node.getAttribute("href"), nth = href === null ? 0 : links(top, href).indexOf(node);
    for (; node !== top; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
    return () => (href !== null && links(top, href)[nth]) || steps.reduce((found, step) => found?.children[step], top);
  }

  // New content in the place of the old, with its focus, its scrolling, its open details and what was typed.
  function swap(old, made) {
    const active = document.activeElement, focus = old.contains(active) && active !== old ? finder(active, old) : null;
    const at = old.querySelector("tr.at a"), row = at && finder(at, old);
    const scrolled = [...old.querySelectorAll("*")].filter((each) => each.scrollTop || each.scrollLeft)
      .map((each) => [finder(each, old), each.scrollLeft, each.scrollTop]);
    const top = (node) => node.getBoundingClientRect().top;
    const first = scrollY ? [...old.querySelectorAll("a[href]")].find((each) => top(each) >= 0) : null;
    const anchor = first && [finder(first, old), top(first), first.getAttribute("href")];
    const open = [...old.querySelectorAll("details")].map((each) => each.open);
    const typed = [...old.querySelectorAll("input[id]")].map((each) => [each.id, each.value, each.defaultValue]);
    old.replaceChildren(...made.childNodes);
    [...old.querySelectorAll("details")].forEach((each, number) => { each.open = open[number] ?? false; });
    for (const [id, value, before] of typed) if (value !== before) document.getElementById(id).value = value;
    for (const [find, left, down] of scrolled) find()?.scrollTo({ left, top: down, behavior: "instant" });
    row?.()?.closest("tr")?.classList.add("at");
    focus?.()?.focus({ preventScroll: true });
    const same = anchor?.[0]();
    if (same?.getAttribute("href") === anchor?.[2]) same && scrollBy({ top: top(same) - anchor[1], behavior: "instant" });
  }

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
      swap(old, made);
      swap(document.querySelector("header nav"), page.querySelector("header nav"));
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

"""axe-core, which finds what keeps people from using a page; as its makers ship it, with its licence beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

#: The rules that judge by colours.
COLOURS = ("color-contrast", "link-in-text-block")
_AXE = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
# Of each violation: the rule, and the places with what is wrong there.
_RUN = """async rules => (await axe.run({...(rules && {runOnly: rules}), preload: false, resultTypes: ["violations"]})).violations.map(({id, nodes}) =>
  [id, nodes.slice(0, 5).map(each => [each.target.join(" "), each.failureSummary])])"""
# What can be reached by the keyboard, and shows no outline that stands out from what is behind it.
_FOCUS = """() => {
  const channel = value => (value /= 255) <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number); return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b); };
  const behind = node => { for (; node; node = node.parentElement) { const colour = getComputedStyle(node).backgroundColor; if (!/, 0\\)$/.test(colour)) return colour; } };
  const unseen = [];
  for (const each of document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex='0']")) {
    if (!each.checkVisibility()) continue;
    each.focus({ preventScroll: true });
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(each);
    const [a, b] = [light(outlineColor), light(behind(each.parentElement))].sort((x, y) => y - x);
    if (!each.matches(":focus-visible") || outlineStyle === "none" || parseFloat(outlineWidth) < 2 || (a + .05) / (b + .05) < 3)
      unseen.push(each.outerHTML.slice(0, 200));
  }
  document.activeElement.blur();
  return unseen;
}"""


def violations(page: Page, rules: Sequence[str] | None = None) -> list[Any]:
    """What axe finds on the page by these rules or by all, and everything whose focus can't be seen."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_AXE)
    found: list[Any] = page.evaluate(_RUN, rules)
    page.keyboard.press("Tab")  # who looks goes by the keyboard
    found += [["focus", each] for each in page.evaluate(_FOCUS)]
    return found

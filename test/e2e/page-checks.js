// Runs in a browser. Gives what is wrong with how a page can be read.
(() => {
  /** What sticks out of the window to the right. */
  const tooWide = [...document.querySelectorAll('main *')]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((each) => each.outerHTML.slice(0, 80));

  const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color =
      element === null ? getComputedStyle(document.body).backgroundColor : getComputedStyle(element).backgroundColor;
    return element !== null && channels(color)[3] === 0 ? behind(element.parentElement) : color;
  };

  /** Texts that stand out too little from what is behind them (WCAG 2.2, 1.4.3: 4.5 to 1). */
  const faint = [];
  let shown = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [text, parent] = [walker.currentNode.textContent.trim(), walker.currentNode.parentElement];
    if (text === '') continue;
    shown += 1;
    const [one, other] = [luminance(getComputedStyle(parent).color), luminance(behind(parent))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${text}`);
  }
  return { tooWide, shown, faint };
})();

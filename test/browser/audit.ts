/**
 * Checks that run inside the page (Playwright sends their text there): they may use nothing from outside themselves.
 */

/** Interactive elements that assistive technology could not name. */
export const namesMissing = (): string[] => {
  const nameOf = (element: Element): string => {
    const labelledBy = element.getAttribute('aria-labelledby');
    if (labelledBy)
      return labelledBy
        .split(/\s+/)
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join(' ');
    const label = element.getAttribute('aria-label');
    if (label) return label;
    if (
      element instanceof HTMLInputElement ||
      element instanceof HTMLSelectElement ||
      element instanceof HTMLTextAreaElement
    )
      return [...(element.labels ?? [])].map((each) => each.textContent ?? '').join(' ');
    return element.textContent ?? '';
  };
  return [...document.querySelectorAll('a[href], button, input, select, textarea, progress, [tabindex="0"], [role]')]
    .filter((element) => !['status', 'alert', 'note'].includes(element.getAttribute('role') ?? ''))
    .filter((element) => element.getClientRects().length > 0 && nameOf(element).trim() === '')
    .map((element) => element.outerHTML.slice(0, 120));
};

/** Visible texts whose contrast with the ground they really stand on is below WCAG AA. */
export const poorContrasts = (): string[] => {
  type Colour = readonly [number, number, number, number];
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (text: string): Colour => {
    if (!context) throw new Error('no canvas');
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top: Colour, below: Colour): Colour => {
    const mix = (index: 0 | 1 | 2): number => top[index] * top[3] + below[index] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const luminance = ([r, g, b]: Colour): number => {
    const linear = (value: number): number =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const groundOf = (element: Element): Colour => {
    const layers: Colour[] = [];
    for (let up: Element | null = element; up; up = up.parentElement) {
      const colour = parse(getComputedStyle(up).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    const canvas = parse(getComputedStyle(document.documentElement).backgroundColor);
    return layers.reduceRight((below, top) => over(top, below), canvas);
  };
  const poor = new Map<string, string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || !node.textContent?.trim() || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    if (style.visibility === 'hidden' || element.closest('.unseen, noscript, script')) continue;
    const ground = groundOf(element);
    const [a, b] = [luminance(over(parse(style.color), ground)), luminance(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5))
      poor.set(
        `${element.tagName}.${element.className}`,
        `${ratio.toFixed(2)} "${node.textContent.trim().slice(0, 40)}"`,
      );
  }
  return [...poor].map(([element, what]) => `${element}: ${what}`);
};

/** How many names a message lists. */
const MAX_NAMES = 20;

/** Names as they may be shown; never values. */
export const namesOf = (names: Iterable<string>): string => {
  const all = [...names].sort().map((name) => (/^[\w./@ -]{1,100}$/.test(name) ? name : '…'));
  const more = all.length > MAX_NAMES ? ` and ${all.length - MAX_NAMES} more` : '';
  return `${all.slice(0, MAX_NAMES).join(', ')}${more}`;
};

/** A line of script in a log. */
export interface LoggedLine {
  readonly text: string;
  /** The log tells something else before it, such as how many rows came: the statement above has ended. */
  readonly apart: boolean;
}

/** What only steers: a log has run it already, and shows what came of it. */
const STEERING =
  /^\s*(?:if\b|else\s?if\b|else\b|end\s?(?:if|sub|switch)\b|for\b|next\b|do\b|loop\b|sub\b|call\b|switch\b|case\b|default\b|exit\b)/i;
const JOINS = /^\s*(?:(?:left|right|inner|outer)\b|join\b|keep\b|select\b|first\b|replace\b|merge\b|with\b)/i;
const BEGINS =
  /^\s*(?:set|let|load|sql|select|store|drop|rename|lib\s+connect|odbc|oledb|custom|connect|disconnect|directory|binary|qualify|unqualify|alias|map|unmap|mapping|concatenate|noconcatenate|left|right|inner|outer|join|keep|crosstable|generic|hierarchy|hierarchybelongsto|intervalmatch|first|sample|buffer|bundle|info|semantic|add|replace|merge|tag|untag|comment|trace|rem|section|star|execute|sleep|force|nullasvalue|nullasnull|loosen|declare|derive|search|flushlog|direct\s+query|when|unless)\b/i;
const LABEL = /^\s*(?:\[[^\]]{1,200}\]|"[^"]{1,200}"|'[^']{1,200}'|[\p{L}\p{N}_.$#%&@/-]{1,200})\s*:(?![/\\=])/u;
/** A line that cannot be the last of a statement. */
const GOES_ON =
  /(?:[,(+\-*/&=<>|]|\b(?:load|distinct|select|as|and|or|not|from|in|union|all|except|intersect|minus|where|by|into|on))\s*$/i;
/** A label at the beginning of a text. */
const LABELLED = /^(?:\[[^\]]*\]|"[^"]*"|'[^']*'|[^\s:;]+)\s*:/;
/** A prefix at the beginning of a text, without what stands in parentheses behind it. */
const PREFIX =
  /^(?:mapping|noconcatenate|concatenate|(?:left|right|inner|outer)?\s*(?:join|keep)|left|right|inner|outer|crosstable|generic|hierarchy(?:belongsto)?|intervalmatch|first\s+\d+|sample\s+[\d.]+|buffer|bundle|info|semantic|add|replace|merge|only)/i;
const SELECTS = /^\s*(?:[^\s:]{1,200}\s*:\s*|\[[^\]]{1,200}\]\s*:\s*)?(?:sql\b|select\b)/i;
/** Rows follow, which may look like anything. */
const OPENS_ROWS = /\binline\s*\[/i;

/**
 * The statements of a reload's log as a script that can be interpreted: logs leave out the semicolons, show each turn of a
 * loop, and the lines that only steer. Where one statement ends is told by what begins the next, and by what the log says in
 * between. Time grows with the length.
 */
export const expandedStatements = (lines: Iterable<LoggedLine>): string => {
  const statements: string[] = [];
  let current: string[] = [];
  let inRows = false;
  const end = (): void => {
    const text = current.join('\n').trim();
    current = [];
    inRows = false;
    if (text === '' || STEERING.test(text)) return;
    statements.push(text.endsWith(';') || text.startsWith('//') ? text : `${text};`);
  };
  for (const { text, apart } of lines) {
    if (apart || (!inRows && endsBefore(current, text))) end();
    // Nothing follows on the line of what steers.
    if (current.length === 0 && STEERING.test(text)) continue;
    current.push(text);
    inRows = inRows ? !text.includes(']') : OPENS_ROWS.test(text.slice(text.lastIndexOf(']') + 1));
    if (!inRows && text.trimEnd().endsWith(';')) end();
  }
  end();
  return statements.join('\n');
};

const endsBefore = (current: readonly string[], next: string): boolean => {
  const last = current.at(-1);
  if (last === undefined || last.trim() === '') return false;
  const text = current.length > MOST_LINES ? current.slice(-MOST_LINES).join('\n') : current.join('\n');
  if (GOES_ON.test(last) || waits(text)) return false;
  // In SQL these go on; a label may stand on lines of its own before it.
  if (JOINS.test(next) && current.slice(0, 3).some((line) => SELECTS.test(line))) return false;
  return BEGINS.test(next) || STEERING.test(next) || LABEL.test(next);
};

/** Whether there is nothing but a label and prefixes, which wait for what they belong to. */
const waits = (text: string): boolean => {
  const all = text.trim();
  const label = LABELLED.exec(all)?.[0].length ?? 0;
  return isPrefixes(all) || (label > 0 && isPrefixes(all.slice(label)));
};

/** One after the other, each in one way only: a pattern for all of them has as many ways as prefixes multiply to. */
const isPrefixes = (text: string): boolean => {
  for (let rest = text.trimStart(); rest !== ''; ) {
    const prefix = PREFIX.exec(rest)?.[0];
    if (prefix === undefined) return false;
    rest = rest.slice(prefix.length).trimStart();
    if (!rest.startsWith('(')) continue;
    const end = rest.indexOf(')');
    if (end === -1) return false;
    rest = rest.slice(end + 1).trimStart();
  }
  return true;
};

/** Of a long statement its end tells whether it goes on. */
const MOST_LINES = 50;

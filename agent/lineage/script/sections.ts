/** A part of a load script, as the editor shows it in a tab of its own. */
export interface ScriptSection {
  /** As written; may be empty, and may be there more than once. */
  readonly name: string;
  readonly text: string;
  /** 1-based line of the script on which the text begins (behind the line that opens the section). */
  readonly line: number;
}

const TAB = /^\/\/\/\$tab ?(.*)$/;

/**
 * The sections of a load script: a line `///$tab Name` opens one. Text before the first such line is a section `Main`
 * when it is not blank; a script without any is one section `Main`; a blank script has none.
 */
export const scriptSections = (script: string): readonly ScriptSection[] => {
  if (script.trim() === '') return [];
  const lines = script.split(/\r?\n/);
  const sections: ScriptSection[] = [];
  let name = 'Main';
  let start = 0;
  const close = (end: number): void => {
    const text = lines.slice(start, end).join('\n');
    if (start > 0 || text.trim() !== '') sections.push({ name, text, line: start + 1 });
  };
  for (const [index, line] of lines.entries()) {
    const tab = TAB.exec(line);
    if (tab === null) continue;
    close(index);
    name = (tab[1] ?? '').trim();
    start = index + 1;
  }
  close(lines.length);
  return sections;
};

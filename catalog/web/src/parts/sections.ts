export interface Section {
  readonly name: string;
  /** Number of the first line, from 1. */
  readonly from: number;
  readonly lines: readonly string[];
}

const TAB = /^\/\/\/\$tab\s?(.*)$/;

/** Cuts a load script where its tabs begin; text before the first tab is a section when it is not blank. */
export const sectionsOf = (text: string): readonly Section[] => {
  const lines = text.split(/\r\n|\n|\r/);
  const starts = lines.flatMap((line, index) => {
    const name = TAB.exec(line)?.[1];
    return name === undefined ? [] : [{ name: name.trim(), index }];
  });
  const first = starts[0]?.index ?? lines.length;
  const before = lines.slice(0, first);
  const sections: Section[] =
    starts.length === 0 || before.some((line) => line.trim() !== '') ? [{ name: 'Main', from: 1, lines: before }] : [];
  for (const [position, { name, index }] of starts.entries())
    sections.push({ name, from: index + 1, lines: lines.slice(index, starts[position + 1]?.index ?? lines.length) });
  return sections;
};

/** One text of the corpus. `files` lie beside it for includes; the text is `main.conf`. */
export interface CorpusCase {
  readonly name: string;
  readonly text: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The environment that both readers see. */
export const CORPUS_ENV: Readonly<Record<string, string>> = {
  CULVERT_A: 'from-env',
  CULVERT_EMPTY: '',
  CULVERT_NUMBER: '42',
  'culvert.dotted': 'dotted',
};

/** `€` stands for `$` in the corpus, so that its substitutions are no template literals. */
const dollars = (text: string): string => text.replaceAll('€', '$');

/** Cases of one family, numbered in their order. */
export const family = (name: string, texts: readonly string[]): readonly CorpusCase[] =>
  texts.map((text, i) => ({ name: `${name}-${String(i + 1).padStart(3, '0')}`, text: dollars(text), files: {} }));

/** Like {@link family}, with files beside each text. */
export const familyWithFiles = (
  name: string,
  cases: readonly (readonly [string, Readonly<Record<string, string>>])[],
): readonly CorpusCase[] =>
  cases.map(([text, files], i) => ({
    name: `${name}-${String(i + 1).padStart(3, '0')}`,
    text: dollars(text),
    files: Object.fromEntries(Object.entries(files).map(([file, content]) => [file, dollars(content)])),
  }));

/** Texts separated by a line of dashes. */
export const texts = (block: string): string[] => block.replace(/^\n/, '').split(/\n?---\n/);

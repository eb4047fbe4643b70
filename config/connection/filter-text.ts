import { basename, dirname, resolve } from 'node:path';
import type { Place } from '../tree.ts';
import type { SideFiles } from './side-files.ts';

/** A filter expression with the way back from an offset in it to the file that it stands in. */
export interface FilterText {
  readonly text: string;
  readonly placeAt: (offset: number) => Place;
  /** False: nothing of the text may be shown, for whoever wrote its name could have any file shown so. */
  readonly shown: boolean;
  /** As people see it: the text itself, or the name of its file. */
  readonly label: string;
}

const linesBefore = (text: string, offset: number): readonly string[] => text.slice(0, offset).split('\n');

/**
 * The expression that a value of a file is. `source` is the text of that file: a value in triple quotes, in a block of YAML
 * or on one line stands there as it is, so that a place within it is a place in the file.
 */
export const inlineText = (text: string, at: Place, source: string | undefined): FilterText => {
  const lines = source?.split('\n') ?? [];
  const line = lines[at.line - 1] ?? '';
  const raw = line.slice(at.column - 1);
  const placeAt = (offset: number): Place => {
    const before = linesBefore(text, offset);
    const down = before.length - 1;
    const across = before.at(-1)?.length ?? 0;
    if (raw.startsWith('"""'))
      return { file: at.file, line: at.line + down, column: across + 1 + (down === 0 ? at.column + 2 : 0) };
    const own = text.split('\n');
    if (own.length === 1) {
      const found = line.indexOf(text, at.column - 1);
      return found < 0 ? at : { file: at.file, line: at.line, column: found + across + 1 };
    }
    // A block of YAML begins on the line below its key, and is indented there.
    const block = lines.findIndex(
      (one, i) => i >= at.line - 1 && (own[0] ?? '') !== '' && one.trim() === own[0]?.trim(),
    );
    const there = lines[block + down];
    const column = there?.indexOf(own[down] ?? '') ?? -1;
    return block < 0 || column < 0 ? at : { file: at.file, line: block + down + 1, column: column + across + 1 };
  };
  return { text, placeAt, shown: true, label: text };
};

/** The expression in a side file (`file:streams.filter`), or why it cannot be read. */
export const sideText = (value: string, files: SideFiles, folder: string): FilterText | string => {
  const content = files.readShown(value);
  if (content.type !== 'file') return content.type === 'folder' ? 'it is a folder' : content.reason;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content.bytes);
  } catch {
    return 'it is not UTF-8';
  }
  const file = basename(files.pathOf(value));
  return {
    text,
    placeAt: (offset) => {
      const before = linesBefore(text, offset);
      return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    },
    shown: dirname(content.realPath).startsWith(resolve(folder)),
    label: `file:${file}`,
  };
};

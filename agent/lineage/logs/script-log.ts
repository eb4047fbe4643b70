import { decodeText } from '../text/decode.ts';

import { expandedStatements, type LoggedLine } from './expanded-statements.ts';

/** What the log of a reload tells: the statements as they were run, variables and includes resolved. */
export interface ScriptLog {
  /** One line for each line of the log that holds a piece of script; loops are unrolled. */
  readonly script: string;
  /** The same as statements that can be interpreted: with semicolons, and without what only steers. */
  readonly statements: string;
  /** The script was longer than wanted, or the log was. */
  readonly cut: boolean;
  /** Times as the log has them, those of the Qlik server. */
  readonly started: string;
  readonly ended: string;
  /** Undefined: the log does not say how it ended. */
  readonly failed: boolean | undefined;
}

const TIME = String.raw`(\d{8}T\d{6}(?:\.\d{1,3})?(?:[+-]\d{4})?|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,3})?)`;
/** `20250304T050607.123+0100 0012 LOAD *`: four or more digits number the lines of the script. */
const LINE = new RegExp(String.raw`^${TIME}[ \t](?:(\d{4,7})[ \t]?(.*)|(.*))$`);
const FAILED = /^\s*(?:Error:|General Script Error|Execution Failed|Script Error)/i;
const FINISHED = /^\s*Execution finished/i;

/** Reads a log as the engine writes it, in any of its encodings. Time grows with the length. */
export const readScriptLog = (bytes: Uint8Array, mostCharacters: number): ScriptLog => {
  const script: string[] = [];
  let [length, started, ended] = [0, '', ''];
  let cut = false;
  let failed: boolean | undefined;
  const lines: LoggedLine[] = [];
  let inScript = false;
  let apart = false;
  for (const line of decodeText(bytes).split(/\r?\n/)) {
    const match = LINE.exec(line);
    const text = match?.[3];
    if (match === null) {
      // What follows a statement that holds a line end of its own.
      if (inScript && line.trim() !== '') add(line);
      continue;
    }
    const [, time = '', number] = match;
    started ||= time;
    ended = time;
    inScript = number !== undefined;
    apart ||= !inScript;
    if (inScript) add(text ?? '');
    else if (FAILED.test(match[4] ?? '')) failed = true;
    else if (FINISHED.test(match[4] ?? '')) failed ??= false;
  }
  return { script: script.join('\n'), statements: expandedStatements(lines), cut, started, ended, failed };

  function add(text: string): void {
    if (length + text.length + 1 > mostCharacters) {
      cut = true;
      return;
    }
    length += text.length + 1;
    script.push(text);
    lines.push({ text, apart });
    apart = false;
  }
};

import { strToU8, zipSync } from 'fflate';
import type { BundleFile } from './collect.ts';

/** As a folder of any system can hold it: to Windows a `\` in the name of a file from Linux is a way out of the folder. */
const portable = (name: string): string =>
  name
    .split('/')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
    .map((part) => part.replaceAll(/[\\:*?"<>|\u0000-\u001f\u007f]/g, '-').replace(/^\.+$/, '-'))
    .join('/');

/** A zip of the files, in a folder of its own. */
export const archive = (folder: string, files: readonly BundleFile[]): Uint8Array =>
  zipSync(
    Object.fromEntries(files.map(({ name, text }) => [`${folder}/${portable(name)}`, strToU8(text)])),
    // Read by the user who made it alone, also where it is unpacked.
    { level: 6, os: 3, attrs: 0o100_600 << 16 },
  );

import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const nearest = (folder: string): { readonly link: Stats; readonly target: Stats } | undefined => {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const link = lstatSync(at, { throwIfNoEntry: false });
    const target = statSync(at, { throwIfNoEntry: false });
    if (link !== undefined && target !== undefined) return { link, target };
    // A link that leads nowhere leads where whoever made it wants it to, later.
    if (link !== undefined) return { link, target: link };
    if (at === dirname(at)) return undefined;
  }
};

/**
 * Why this process must not write into the state folder, in words; undefined when it may. Root writes only where root
 * alone decides what lies there: in the folder of another user that user can lay links, and would come to own or destroy
 * files of root. Every other user has only his own rights to lose. Of a folder that is not there yet the one that it
 * would be made in decides.
 */
export const whyNotToWrite = (folder: string): string | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const found = nearest(folder);
  if (found === undefined) return undefined;
  const { link, target } = found;
  const owner = [target.uid, link.uid].find((uid) => uid !== 0);
  return owner === undefined
    ? undefined
    : `its folder belongs to the user with the id ${owner}, and root writes nothing there (run it as that user: sudo -u '#${owner}' …, or runuser -u NAME -- …)`;
};

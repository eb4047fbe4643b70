/** Put in place by the bundler; the sources run without it. */
declare const CULVERT_BUILD: { readonly version: string; readonly commit: string } | undefined;

/**
 * Which release this bundle is: the version of package.json and the commit it was made from (`unknown` outside a clone, with
 * `-dirty` when files were changed); undefined when the sources run.
 */
export const BUILD = typeof CULVERT_BUILD === 'undefined' ? undefined : CULVERT_BUILD;

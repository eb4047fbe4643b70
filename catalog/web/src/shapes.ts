import type * as contract from '#catalog/api/contract.ts';

/** The type of what a schema of the contract describes; the page takes only types from it, never the schemas. */
type Shape<T> = T extends { readonly _zod: { readonly output: infer Output } } ? Output : never;

export type ConnectionList = Shape<typeof contract.ConnectionList>;
export type AgentList = Shape<typeof contract.AgentList>;
export type EnrolmentToken = Shape<typeof contract.EnrolmentToken>;
export type CheckList = Shape<typeof contract.CheckList>;
export type Picture = Shape<typeof contract.Picture>;
export type PictureList = Shape<typeof contract.PictureList>;
export type SettingsCheck = Shape<typeof contract.SettingsCheck>;

import { z } from 'zod';
import { ConnectorSettings } from '#protocol/job-options.ts';

const Time = z.iso.datetime();
const SettingName = z.enum(Object.keys(ConnectorSettings.shape) as [keyof ConnectorSettings]);

/** Connector settings of one connection, as they are kept in the catalog. */
export const StoredSettings = z
  .object({
    settings: ConnectorSettings,
    /** Raised by every change, 0 before the first: a change names the one that it was made from. */
    version: z.int(),
    changedAt: Time.nullable(),
    changedBy: z.string().nullable(),
  })
  .meta({ id: 'StoredSettings' });
export type StoredSettings = z.infer<typeof StoredSettings>;

/** What keeps settings from being used: which, and where in it. */
export const SettingsProblem = z
  .object({
    setting: SettingName,
    /** Of a list: its how-manieth pattern, from 0. */
    index: z.int().nullable(),
    /** Of an expression: line and column, from 1. */
    line: z.int().nullable(),
    column: z.int().nullable(),
    message: z.string(),
    advice: z.string(),
  })
  .meta({ id: 'SettingsProblem' });
export type SettingsProblem = z.infer<typeof SettingsProblem>;

export const SettingsCheck = z.object({ problems: z.array(SettingsProblem) });

/** One change of the settings: who, when, and each setting as it was and as it became (null: not set). */
export const SettingsChange = z
  .object({
    version: z.int(),
    changedAt: Time,
    changedBy: z.string(),
    changes: z.array(z.object({ setting: SettingName, from: z.json(), to: z.json() })),
  })
  .meta({ id: 'SettingsChange' });
export type SettingsChange = z.infer<typeof SettingsChange>;

export const SettingsChangeList = z.object({ items: z.array(SettingsChange), next: z.string().nullable() });

import { z } from 'zod';
import { CheckRecord, SettingsRecord } from '#protocol/checks.ts';

/** What one check of a test found; `check` is an id of `protocol/checks.ts`, of a newer agent perhaps another one. */
export const Check = z
  .object({
    target: CheckRecord.shape.target,
    check: z.string(),
    status: CheckRecord.shape.status,
    seen: z.string(),
    code: z.string().nullable(),
    advice: z.string().nullable(),
    details: z.array(z.string()),
    durationMs: z.number(),
  })
  .meta({ id: 'Check' });
export type Check = z.infer<typeof Check>;

/** What an administrator enters in one form of Qlik's management console for the connection. */
export const QlikSettings = z
  .object({
    title: z.string(),
    /** They mend the first check that failed. */
    mends: z.boolean(),
    fields: z.array(z.object(SettingsRecord.shape.fields.element.shape)),
  })
  .meta({ id: 'QlikSettings' });
export type QlikSettings = z.infer<typeof QlikSettings>;

/** Never long enough to need pages. */
export const CheckList = z.object({ items: z.array(Check), settings: z.array(QlikSettings) });

import type { ComponentChildren } from 'preact';
import type { Connection, SettingsProblem, StoredSettings } from '#catalog/api/contract.ts';
import { Marked, Name } from '../parts/text.tsx';

export type Settings = StoredSettings['settings'];
export type SettingName = keyof Settings;

/** What is typed into the form: lists and the expression as they stand in their fields, the rest as values of a choice. */
export type Draft = Readonly<Record<SettingName, string>>;

const LISTS = ['includeStreams', 'excludeStreams', 'includeApps', 'excludeApps'] as const;
const FLAGS = ['unpublishedApps', 'unpublishedSheets', 'streams'] as const;

export const LABELS = {
  includeStreams: 'Streams to include',
  excludeStreams: 'Streams to leave out',
  includeApps: 'Apps to include',
  excludeApps: 'Apps to leave out',
  unpublishedApps: 'Apps that are not published',
  unpublishedSheets: 'Sheets that are not published',
  streams: 'Streams as assets',
  filter: 'Filter expression',
  deletion: 'What is gone from the site',
} as const satisfies Record<SettingName, string>;

const HINTS = {
  includeStreams: 'One name or id a line. Empty: all streams. Apps without a stream: `personal`.',
  excludeStreams: 'One a line; leaving out wins.',
  includeApps: 'One name or id a line. Empty: all apps.',
  excludeApps: 'One a line; leaving out wins.',
  unpublishedApps: 'Personal work in progress.',
  unpublishedSheets: 'Sheets that only their owners see.',
  streams: 'Without them apps belong to the site itself.',
  filter: "As Zeenea's filters are written: `stream = 'Sales' and not name starts with 'Old'`.",
  deletion: 'After a crawl that read the list as a whole.',
} as const satisfies Record<SettingName, string>;

const CHOICES = {
  unpublishedApps: [
    ['true', 'Take them in'],
    ['false', 'Leave them out'],
  ],
  unpublishedSheets: [
    ['true', 'Take them in'],
    ['false', 'Leave them out'],
  ],
  streams: [
    ['true', 'Yes'],
    ['false', 'No'],
  ],
  deletion: [
    ['delete', 'Remove it from the catalog'],
    ['flag', 'Keep it, marked as gone'],
    ['keep', 'Keep it as it was'],
  ],
} as const;

/** What holds where neither the file nor the catalog says anything. */
const DEFAULTS = {
  includeStreams: 'all',
  excludeStreams: 'none',
  includeApps: 'all',
  excludeApps: 'none',
  unpublishedApps: 'taken in',
  unpublishedSheets: 'taken in',
  streams: 'yes',
  filter: 'none',
  deletion: 'removed from the catalog',
} as const satisfies Record<SettingName, string>;

/** Of these both have to keep an item; of the others the file wins. */
const NARROWS: ReadonlySet<SettingName> = new Set([...LISTS, 'filter']);

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

export const draftOf = (settings: Settings): Draft => ({
  includeStreams: (settings.includeStreams ?? []).join('\n'),
  excludeStreams: (settings.excludeStreams ?? []).join('\n'),
  includeApps: (settings.includeApps ?? []).join('\n'),
  excludeApps: (settings.excludeApps ?? []).join('\n'),
  unpublishedApps: String(settings.unpublishedApps ?? ''),
  unpublishedSheets: String(settings.unpublishedSheets ?? ''),
  streams: String(settings.streams ?? ''),
  filter: settings.filter ?? '',
  deletion: settings.deletion ?? '',
});

/** What was typed as settings; what says nothing is left out. */
export const settingsOf = (draft: Draft): Settings => {
  const settings: Settings = {};
  for (const name of LISTS) {
    const list = lines(draft[name]);
    if (list.length > 0) settings[name] = list;
  }
  for (const name of FLAGS) if (draft[name] !== '') settings[name] = draft[name] === 'true';
  if (draft.filter.trim() !== '') settings.filter = draft.filter;
  const deletion = CHOICES.deletion.find(([value]) => value === draft.deletion)?.[0];
  if (deletion !== undefined) settings.deletion = deletion;
  return settings;
};

/** A value for people, as it is shown beside a field and in the history. */
export const wordOf = (name: SettingName, value: unknown): string => {
  if (value === null || value === undefined) return 'not set';
  if (Array.isArray(value)) return value.join(', ');
  const choices: readonly (readonly [string, string])[] = name in CHOICES ? CHOICES[name as keyof typeof CHOICES] : [];
  return choices.find(([choice]) => choice === String(value))?.[1] ?? String(value);
};

/** What is in force for one setting, and where it comes from. */
const InForce = ({ name, connection, stored }: { name: SettingName; connection: Connection; stored: Settings }) => {
  const { file, settings } = connection.status;
  const given = settings?.find((one) => one.name === name)?.value;
  const set = stored[name];
  const here = set === undefined ? undefined : wordOf(name, set);
  if (given !== undefined && (here === undefined || !NARROWS.has(name)))
    return (
      <>
        In force: <Name text={wordOf(name, given)} limit={300} />, from the file{' '}
        <code>
          <bdi>{file}</bdi>
        </code>
        .{here !== undefined && <strong> The file wins: what is set here has no effect.</strong>}
        {here === undefined && NARROWS.has(name) && ' What is set here narrows it further.'}
      </>
    );
  if (given !== undefined)
    return (
      <>
        In force: both, <Name text={given} limit={300} /> from the file{' '}
        <code>
          <bdi>{file}</bdi>
        </code>{' '}
        and what is set here. Only what both keep is crawled.
      </>
    );
  return here === undefined ? (
    <>In force: {DEFAULTS[name]}, the default</>
  ) : (
    <>
      In force: <Name text={here} limit={300} />, set here
    </>
  );
};

const Wrong = ({ problems }: { problems: readonly SettingsProblem[] }) => (
  <>
    {problems.map(({ index, line, column, message, advice }) => (
      <span key={`${index} ${line} ${message}`} class="field-problem">
        <strong>
          {index !== null ? `Line ${index + 1}: ` : line !== null ? `Line ${line}, column ${column ?? 1}: ` : ''}
        </strong>
        <Marked text={message} /> <Marked text={advice} />
      </span>
    ))}
  </>
);

/** One setting with what it means, what is wrong with it, and what is in force of it. */
const Field = ({
  name,
  connection,
  stored,
  problems,
  children,
}: {
  name: SettingName;
  connection: Connection;
  stored: Settings;
  problems: readonly SettingsProblem[];
  children: ComponentChildren;
}) => (
  <div class="setting">
    <div class="field">
      <label for={`set-${name}`}>{LABELS[name]}</label>
      {children}
    </div>
    <p class="quiet" id={`hint-${name}`}>
      <Marked text={HINTS[name]} />
    </p>
    <p class="problems-of" id={`wrong-${name}`} aria-live="polite">
      <Wrong problems={problems.filter(({ setting }) => setting === name)} />
    </p>
    <p class="in-force" id={`force-${name}`}>
      <InForce name={name} connection={connection} stored={stored} />
    </p>
  </div>
);

/** All settings of a connection, to be changed. */
export const SettingsFields = ({
  draft,
  onChange,
  connection,
  stored,
  problems,
}: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  connection: Connection;
  stored: Settings;
  problems: readonly SettingsProblem[];
}) => {
  const described = (name: SettingName) => ({
    id: `set-${name}`,
    'aria-describedby': `hint-${name} wrong-${name} force-${name}`,
    'aria-invalid': problems.some(({ setting }) => setting === name),
  });
  const shared = { connection, stored, problems };
  const area = (name: (typeof LISTS)[number] | 'filter', rows: number) => (
    <Field key={name} name={name} {...shared}>
      <textarea
        rows={rows}
        value={draft[name]}
        spellcheck={false}
        autocomplete="off"
        class={name === 'filter' ? 'code' : ''}
        onInput={(event) => onChange({ ...draft, [name]: event.currentTarget.value })}
        {...described(name)}
      />
    </Field>
  );
  const choice = (name: keyof typeof CHOICES) => (
    <Field key={name} name={name} {...shared}>
      <select
        value={draft[name]}
        onChange={(event) => onChange({ ...draft, [name]: event.currentTarget.value })}
        {...described(name)}
      >
        <option value="">Not set here</option>
        {CHOICES[name].map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
  return (
    <>
      <fieldset class="settings">
        <legend>Streams and apps</legend>
        <p class="quiet wide">
          <Marked text="`*` and `?` stand for any text and any character; case does not count; `regex:` begins a regular expression for the whole name." />
        </p>
        {LISTS.map((name) => area(name, 4))}
      </fieldset>
      <fieldset class="settings">
        <legend>What else is crawled</legend>
        {FLAGS.map(choice)}
      </fieldset>
      <fieldset class="settings whole">
        <legend>Expression</legend>
        {area('filter', 5)}
      </fieldset>
      <fieldset class="settings">
        <legend>Deletion</legend>
        {choice('deletion')}
      </fieldset>
    </>
  );
};

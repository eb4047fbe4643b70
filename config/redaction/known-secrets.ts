import { MIN_SECRET_CHARACTERS, valueForms } from './value-forms.ts';

const REDACTED = '[redacted]';
/** The oldest are forgotten first; no agent holds nearly as many at a time. */
const MAX_VALUES = 2_000;
const FORGOTTEN_AT_ONCE = 200;
/** Larger ones are no passwords, and nothing quotes them whole. */
const MAX_VALUE_CHARACTERS = 64 * 1024;
/** So much of a long form tells it; the rest goes as far as the text agrees, so that one that was cut goes as well. */
const TELLING_CHARACTERS = 16;
const SESSION_CHARACTERS = 16;
const BLOCK = 3;
const STEP = MIN_SECRET_CHARACTERS - BLOCK + 1;
const TABLE = 1 << 16;

/** How many characters of a form stand in the text from `at` on. */
const agreement = (form: string, text: string, at: number): number => {
  let agreed = 0;
  while (agreed < form.length && form.charCodeAt(agreed) === text.charCodeAt(at + agreed)) agreed += 1;
  return agreed;
};

/** The first of the forms, which are in their order, that does not come before what stands in the text from `at` on. */
const placeIn = (forms: readonly string[], text: string, at: number): number => {
  let [low, high] = [0, forms.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const form = forms[middle] ?? '';
    const agreed = agreement(form, text, at);
    const isBefore =
      agreed === form.length
        ? at + agreed < text.length
        : form.charCodeAt(agreed) < (at + agreed < text.length ? text.charCodeAt(at + agreed) : -1);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
};

const blockAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)) * 31 + text.charCodeAt(at + 2)) & (TABLE - 1);

/**
 * Finds secret values that are known, in all the forms of {@link valueForms}, by Wu and Manber's method: of most of the
 * text only every fourth character is looked at. The time is in proportion to the text, whatever the text is: what may
 * begin a value is compared over 16 characters at most, and what was found is not looked at again.
 */
export class KnownSecrets {
  readonly #values = new Set<string>();
  /** Apart, since servers give as many as they like: they shall not have secrets of ours forgotten. */
  readonly #sessions = new Set<string>();
  /** Forms in their order by what tells them, by how many characters that has, by their first six characters. */
  #starts = new Map<string, Map<number, Map<string, string[]>>>();
  /** How far the window may move on when this block ends it. */
  readonly #shifts = new Uint8Array(TABLE).fill(STEP);
  #stale = false;
  /** Those of ours alone; undefined in itself. */
  readonly #ours: KnownSecrets | undefined;

  constructor(hasSessions = true) {
    if (hasSessions) this.#ours = new KnownSecrets(false);
  }

  /** From now on this value is found. */
  add(value: string): void {
    this.#ours?.add(value);
    this.#keep(this.#values, value);
  }

  /** The value of a cookie, if it may be the id of a session: the names of nodes that load balancers give are shorter. */
  addSession(value: string): void {
    if (value.length >= SESSION_CHARACTERS) this.#keep(this.#sessions, value);
  }

  /** Whether the text holds one of them. */
  in(text: string): boolean {
    this.#refresh();
    return this.#find(text, 0) !== undefined;
  }

  /** The text without them. */
  redact(text: string): string {
    this.#refresh();
    let clean = '';
    let from = 0;
    for (let found = this.#find(text, 0); found; found = this.#find(text, from)) {
      clean += text.slice(from, found.at) + REDACTED;
      from = found.end;
    }
    return from === 0 ? text : clean + text.slice(from);
  }

  /**
   * The text without secrets of ours. What servers gave as the id of a session stays: one that gives the ids of another
   * site's apps as cookies would have these apps vanish from the catalog.
   */
  redactOurs(text: string): string {
    return (this.#ours ?? this).redact(text);
  }

  #keep(values: Set<string>, value: string): void {
    if (value.length < MIN_SECRET_CHARACTERS || value.length > MAX_VALUE_CHARACTERS || values.has(value)) return;
    if (values.size >= MAX_VALUES) {
      // Some at once: all that is known is learned anew then.
      for (const oldest of [...values].slice(0, FORGOTTEN_AT_ONCE)) values.delete(oldest);
      this.#stale = true;
    }
    values.add(value);
    if (!this.#stale) this.#learn(value);
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#starts = new Map();
    this.#shifts.fill(STEP);
    for (const value of [...this.#values, ...this.#sessions]) this.#learn(value);
  }

  #learn(value: string): void {
    for (const form of valueForms(value)) {
      const start = form.slice(0, MIN_SECRET_CHARACTERS);
      const telling = form.slice(0, TELLING_CHARACTERS);
      const byLength = this.#starts.get(start) ?? new Map<number, Map<string, string[]>>();
      const alike = byLength.get(telling.length) ?? new Map<string, string[]>();
      const forms = alike.get(telling) ?? [];
      const place = placeIn(forms, form, 0);
      if (forms[place] !== form) forms.splice(place, 0, form);
      this.#starts.set(start, byLength.set(telling.length, alike.set(telling, forms)));
      for (let at = 0; at < STEP; at += 1) {
        const block = blockAt(start, at);
        this.#shifts[block] = Math.min(this.#shifts[block] ?? STEP, STEP - 1 - at);
      }
    }
  }

  #find(text: string, from: number): { readonly at: number; readonly end: number } | undefined {
    const last = text.length - MIN_SECRET_CHARACTERS;
    if (this.#starts.size === 0) return undefined;
    const shifts = this.#shifts;
    for (let at = from; at <= last; ) {
      const shift = shifts[blockAt(text, at + STEP - 1)] ?? 0;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const end = this.#endAt(text, at);
      if (end !== undefined) return { at, end };
      at += 1;
    }
    return undefined;
  }

  /** Where the longest value that begins here ends. */
  #endAt(text: string, at: number): number | undefined {
    let end: number | undefined;
    for (const [telling, alike] of this.#starts.get(text.slice(at, at + MIN_SECRET_CHARACTERS)) ?? []) {
      const forms = alike.get(text.slice(at, at + telling));
      if (forms === undefined) continue;
      // The one that agrees furthest stands beside the place that the text would have among them. A short one must be there
      // whole; of a long one some characters may be missing at the end.
      const place = placeIn(forms, text, at);
      for (const form of [forms[place - 1], forms[place]])
        if (form !== undefined) end = Math.max(end ?? 0, at + agreement(form, text, at));
    }
    return end;
  }
}

/**
 * All secret values that this process has seen: every `Secret` tells its own, and sessions tell their cookies and tickets.
 * One for the process, since a secret that some room forgot to pass on would be the one that leaks.
 */
export const knownSecrets = new KnownSecrets();

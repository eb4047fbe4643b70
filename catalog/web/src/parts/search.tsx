import { useEffect, useRef, useState } from 'preact/hooks';
import { withQuery } from '../api.ts';
import { KIND_ORDER, kindPlural } from '../kinds.ts';
import { navigate } from '../router.ts';

const DEBOUNCE_MS = 250;

export interface Asked {
  readonly q: string;
  readonly kind: string;
  readonly connection: string;
}

const searchUrl = ({ q, kind, connection }: Asked): string => withQuery('/browse', { q, kind, connection });

/** The field in which a name is looked for. */
export const SearchField = ({
  value,
  placeholder,
  isLabelled = true,
  onText,
}: {
  value: string;
  placeholder: string;
  /** Its label is seen, not only heard. */
  isLabelled?: boolean;
  onText: (text: string) => void;
}) => (
  <label class="field grow">
    <span class={isLabelled ? '' : 'unseen'}>Search</span>
    <input
      type="search"
      value={value}
      maxLength={500}
      placeholder={placeholder}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  </label>
);

/**
 * Search across the site. On the search page it searches while one types, keeping the URL in step; on an asset's page
 * it waits for Enter, so that typing does not throw one off the page.
 */
export const Search = ({
  asked,
  connections,
  instant,
}: {
  asked: Asked;
  connections: readonly string[];
  instant: boolean;
}) => {
  const [q, setQ] = useState(asked.q);
  const sent = useRef(asked.q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    // Browser back changed the question: the field follows, but never fights with what is being typed.
    if (asked.q === sent.current) return;
    sent.current = asked.q;
    setQ(asked.q);
  }, [asked.q]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const go = (next: Asked): void => {
    clearTimeout(timer.current);
    sent.current = next.q.trim();
    navigate(searchUrl({ ...next, q: next.q.trim() }), instant ? 'filter' : 'link');
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element `search` is not known to all browsers yet.
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go({ ...asked, q });
      }}
    >
      <SearchField
        value={q}
        placeholder="Name of an app, sheet, measure, field…"
        isLabelled={instant}
        onText={(text) => {
          setQ(text);
          if (!instant) return;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => go({ ...asked, q: text }), DEBOUNCE_MS);
        }}
      />
      {instant && (
        <>
          <label class="field">
            <span>Kind</span>
            <select value={asked.kind} onChange={(event) => go({ ...asked, q, kind: event.currentTarget.value })}>
              <option value="">All kinds</option>
              {KIND_ORDER.map((kind) => (
                <option key={kind} value={kind}>
                  {kindPlural(kind)}
                </option>
              ))}
            </select>
          </label>
          {(connections.length > 1 || asked.connection !== '') && (
            <label class="field">
              <span>Connection</span>
              <select
                value={asked.connection}
                onChange={(event) => go({ ...asked, q, connection: event.currentTarget.value })}
              >
                <option value="">All connections</option>
                {[...new Set([...connections, ...(asked.connection === '' ? [] : [asked.connection])])].map((code) => (
                  <option key={code} value={code}>
                    {code}
                  </option>
                ))}
              </select>
            </label>
          )}
        </>
      )}
      {!instant && (
        <button type="submit" class="search-go">
          Search
        </button>
      )}
    </form>
  );
};

import { useEffect, useState } from 'preact/hooks';
import type { ApiError, Impact, ImpactItem } from '#catalog/api/contract.ts';
import { call, shown } from '../api.ts';
import { useLoad } from '../load.ts';

/** The first page of an impact with its counts, and the pages that were asked for after it. */
export const useImpact = (path: string) => {
  const { data, problem, reload } = useLoad<Impact>(path, (change) => change.name === 'assets');
  const [rest, setRest] = useState<{ of: Impact; items: readonly ImpactItem[]; next: string | null }>();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ApiError>();
  useEffect(() => setRefused(undefined), [path]);
  // Pages of before belong to the list of before.
  const current = rest?.of === data ? rest : undefined;
  const next = current ? current.next : (data?.next ?? null);
  const more = async (): Promise<void> => {
    if (data === undefined || next === null || busy) return;
    setBusy(true);
    setRefused(undefined);
    try {
      const page = await call<Impact>('GET', `${path}&${new URLSearchParams({ after: next })}`);
      setRest({ of: data, items: [...(current?.items ?? []), ...page.items], next: page.next });
    } catch (error) {
      setRefused(shown(error));
    } finally {
      setBusy(false);
    }
  };
  return {
    data,
    items: [...(data?.items ?? []), ...(current?.items ?? [])],
    problem: problem ?? refused,
    reload,
    more: next === null ? undefined : more,
    busy,
  };
};

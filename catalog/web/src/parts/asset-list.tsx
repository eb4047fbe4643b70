import type { AssetSummary } from '#catalog/api/contract.ts';
import { number } from '../format.ts';
import { assetLink, kindName } from '../kinds.ts';
import { Badge } from './panels.tsx';
import { AssetName, Name, When } from './text.tsx';

/** Where an asset that was found lies: its app, and what holds it there. */
const Within = ({ asset: { appName, parentName } }: { asset: AssetSummary }) => {
  const places = [...new Set([appName, parentName])].filter((place) => place !== null && place !== '');
  return (
    <span class="within">
      {places.map((place, index) => (
        <span key={place}>
          {index > 0 && ' › '}
          <Name text={place ?? ''} limit={60} />
        </span>
      ))}
    </span>
  );
};

/** Rows of assets: name, what it is about, how much lies below; the kind where kinds are mixed. */
export const AssetRows = ({
  items,
  mixed = false,
  kinds = false,
  site = false,
}: {
  items: readonly AssetSummary[];
  /** They come from everywhere: each row says where its asset lies. */
  mixed?: boolean;
  /** They are of several kinds. */
  kinds?: boolean;
  site?: boolean;
}) => (
  // What has nothing to say beside its name (fields, say) stands in columns.
  <ul class={mixed ? 'assets mixed' : items.some(({ description }) => description) ? 'assets' : 'assets compact'}>
    {items.map((asset) => (
      <li key={asset.key}>
        <a href={assetLink(asset.key)}>
          {kinds && (
            <>
              <span class="kind">{kindName(asset.kind)}</span>{' '}
            </>
          )}
          <span class="asset-name">
            <AssetName name={asset.name} assetKey={asset.key} />
          </span>
        </a>
        {asset.goneAt !== null && (
          <span class="asset-gone">
            <Badge tone="grey">gone</Badge> <When time={asset.goneAt} />
          </span>
        )}
        {mixed && <Within asset={asset} />}
        {asset.description && (
          <span class="asset-description">
            <Name text={asset.description} limit={180} />
          </span>
        )}
        <span class="asset-more">
          {site && (
            <code class="code">
              <bdi>{asset.connection}</bdi>
            </code>
          )}
          {asset.children > 0 && <span class="quiet">{number(asset.children)} below</span>}
        </span>
      </li>
    ))}
  </ul>
);

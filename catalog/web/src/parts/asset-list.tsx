import type { AssetSummary } from '#catalog/api/contract.ts';
import { number } from '../format.ts';
import { assetLink, kindName } from '../kinds.ts';
import { AssetName, Name } from './text.tsx';

/** Rows of assets: name, what it is about, how much lies below; the kind where kinds are mixed. */
export const AssetRows = ({
  items,
  mixed = false,
  site = false,
}: {
  items: readonly AssetSummary[];
  mixed?: boolean;
  site?: boolean;
}) => (
  // What has nothing to say beside its name (fields, say) stands in columns.
  <ul class={items.some(({ description }) => description) ? 'assets' : 'assets compact'}>
    {items.map((asset) => (
      <li key={asset.key}>
        <a href={assetLink(asset.key)}>
          {mixed && (
            <>
              <span class="kind">{kindName(asset.kind)}</span>{' '}
            </>
          )}
          <span class="asset-name">
            <AssetName name={asset.name} assetKey={asset.key} />
          </span>
        </a>
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

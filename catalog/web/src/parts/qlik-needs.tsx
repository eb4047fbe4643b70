import type { QlikSettings } from '#catalog/api/contract.ts';
import { Copy } from './controls.tsx';
import { Badge } from './panels.tsx';

const Field = ({ field: { name, value }, id }: { field: QlikSettings['fields'][number]; id: string }) => (
  <div class="need-field">
    <dt>{name}</dt>
    <dd>
      <bdi id={id} class="need-value">
        {value}
      </bdi>
      <Copy text={value} what={name} target={id} />
    </dd>
  </div>
);

/**
 * What an administrator enters in Qlik's management console for a connection, form by form. It is folded, since most tests
 * need it not; unfolded when it mends what failed first.
 */
export const QlikNeeds = ({ settings }: { settings: readonly QlikSettings[] }) => (
  <details class="needs" open={settings.some(({ mends }) => mends)}>
    <summary>
      <h3>What Qlik needs for this connection</h3>
    </summary>
    <p class="quiet">For whoever administers the site: these values belong into its management console (QMC).</p>
    {settings.map(({ title, mends, fields }, form) => (
      <section key={`${form} ${title}`} class={mends ? 'need is-mending' : 'need'}>
        <h4>
          <bdi>{title}</bdi> {mends && <Badge tone="blue">Mends what failed</Badge>}
        </h4>
        <dl>
          {fields.map((field, index) => (
            <Field key={`${index} ${field.name}`} field={field} id={`need-${form}-${index}`} />
          ))}
        </dl>
      </section>
    ))}
  </details>
);

import { Component, type ComponentChildren } from 'preact';
import { shown } from '../api.ts';
import { ErrorPanel, Page } from './panels.tsx';

/** A page that fails on what it was given says so; the way to the other pages stays. */
export class Boundary extends Component<{ children: ComponentChildren }, { failed: unknown }> {
  override state = { failed: undefined };

  static override getDerivedStateFromError(error: unknown): { failed: unknown } {
    return { failed: error ?? new Error('unknown') };
  }

  override render() {
    const { failed } = this.state;
    if (failed === undefined) return this.props.children;
    return (
      <Page title="This page failed">
        <ErrorPanel error={shown(failed)} title="The page could not be shown" onRetry={() => location.reload()} />
      </Page>
    );
  }
}

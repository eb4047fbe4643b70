import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { buildPage } from '../demo/page.ts';
import { launch } from './chromium.ts';
import { EMAIL, type FakeCatalog, PASSWORD, startFakeCatalog } from './fake/server.ts';
import type { World } from './fake/world.ts';

/** How long the page may take to show something: far above what it needs, so that only a missing thing fails. */
export const PATIENCE_MS = 10_000;

export interface Visit {
  readonly page: Page;
  readonly catalog: FakeCatalog;
  /** Errors of the page's own code, and everything that the content security policy forbade. */
  readonly complaints: string[];
}

/**
 * A built page and one Chromium for a test file; every visit has a catalog and a browser profile of its own. Call it
 * inside a `describe` that is skipped when there is no browser.
 */
export const visits = () => {
  let webRoot: string;
  let browser: Browser;
  let open: AsyncDisposableStack;
  beforeAll(async () => {
    webRoot = await buildPage();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(async () => {
    await open?.disposeAsync();
  });

  const visit = async (world: World, options: BrowserContextOptions = {}): Promise<Visit> => {
    open = new AsyncDisposableStack();
    const catalog = open.use(await startFakeCatalog(webRoot, world));
    const context: BrowserContext = open.adopt(await browser.newContext(options), (each) => each.close());
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    return { page, catalog, complaints: complaintsOf(page) };
  };

  /** A visit that is logged in and stands at `path`. */
  const enter = async (world: World, path = '/', options: BrowserContextOptions = {}): Promise<Visit> => {
    const visited = await visit(world, options);
    const { page, catalog } = visited;
    // The form has tests of its own; this gives the same cookie.
    await page.request.post(`${catalog.url}/api/v1/login`, { data: { email: EMAIL, password: PASSWORD } });
    await page.goto(catalog.url + path);
    await page.locator('.shell h1').waitFor();
    return visited;
  };
  return { visit, enter };
};

/** A list that grows with what the page's own code and its content security policy complain about. */
export const complaintsOf = (page: Page): string[] => {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  return complaints;
};

export const signIn = async (page: Page, password = PASSWORD): Promise<void> => {
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
};

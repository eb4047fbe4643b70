import type { Owner, QrsUser } from '#agent/qlik/repository/entities.ts';
import { type JsonObject, type JsonValue, present } from './attributes.ts';

/** The site's users by id, with their e-mail addresses: all that is kept of them while the apps are read. */
export class People {
  readonly #emails = new Map<string, string>();
  readonly #ids = new Set<string>();

  add(user: QrsUser): void {
    this.#ids.add(user.id);
    if (user.attributes.email !== undefined && user.attributes.email !== '') {
      this.#emails.set(user.id, user.attributes.email);
    } else this.#emails.delete(user.id);
  }

  /** Ids of all, and their addresses, empty where there is none. */
  get all(): [id: string, email: string][] {
    return [...this.#ids].map((id) => [id, this.#emails.get(id) ?? '']);
  }

  forget(id: string): void {
    this.#emails.delete(id);
    this.#ids.delete(id);
  }

  /** Takes what an earlier crawl knew. */
  recall(people: Iterable<readonly [id: string, email: string]>): void {
    for (const [id, email] of people) {
      this.#ids.add(id);
      if (email !== '') this.#emails.set(id, email);
    }
  }

  email(id: string): string | undefined {
    return this.#emails.get(id);
  }

  /** The owner's id when the list of users has it: only then there is somebody that an edge may lead from. */
  known(owner: Partial<Owner> | null | undefined): string | undefined {
    const id = owner?.id;
    return id !== undefined && this.#ids.has(id) ? id : undefined;
  }

  /** An owner as attributes: name, `directory\id`, and e-mail when the user is known. */
  owner(owner: Partial<Owner> | null | undefined): JsonObject | undefined {
    if (owner === null || owner === undefined || (owner.id ?? '') === '') return undefined;
    const account = owner.userId === undefined || owner.userId === '' ? '' : `${owner.userDirectory}\\${owner.userId}`;
    return present({ id: owner.id, name: owner.name, account, email: this.#emails.get(owner.id ?? '') });
  }
}

/** Custom property values as attributes. */
export const customPropertyValues = (values: readonly { name: string; value: string }[]): JsonValue =>
  values.map(({ name, value }) => ({ name, value }));

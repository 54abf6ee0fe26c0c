// Llama licences are contracts: shown before the first download under one, and accepted once per store.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { errors } from '../base/errors.ts';
import type { StoreLayout } from './folder.ts';

/** A licence to accept, as the repository shows it. */
export interface LicenceToAccept {
  readonly repo: string;
  /** Such as `llama2`. */
  readonly licence: string;
  readonly text: string;
  /** Where it can be read in a browser. */
  readonly page: string;
}

/** Yes, no, or a question to the user. */
export type AcceptLicence = boolean | ((licence: LicenceToAccept) => Promise<boolean>);

const acceptedShape = z.object({
  accepted: z.array(z.object({ licence: z.string(), repo: z.string(), at: z.string() })),
});

/** Must this licence be accepted by name before its files are used? */
export function needsAcceptance(licence: string | undefined): licence is string {
  return licence !== undefined && /^llama/i.test(licence);
}

/** The licence that a text is, where the repository's card does not say. */
export function recogniseLicence(text: string): string | undefined {
  const version = /LLAMA\s+(\d+(?:\.\d+)?)\s+(?:VERSION|COMMUNITY\s+LICEN[CS]E)/i.exec(text)?.[1];
  return version === undefined ? undefined : `llama${version}`;
}

/** Asks unless it was accepted before; throws LICENCE_NOT_ACCEPTED on a no. */
export async function acceptOnce(
  licence: LicenceToAccept,
  layout: StoreLayout,
  accept: AcceptLicence | undefined,
): Promise<void> {
  const known = await readAccepted(layout);
  if (known.accepted.some((each) => each.licence === licence.licence)) return;
  const answer = typeof accept === 'function' ? await accept(licence) : (accept ?? false);
  if (!answer) {
    const { repo, licence: name, page } = licence;
    throw errors.LICENCE_NOT_ACCEPTED({ repo, licence: name, page });
  }
  const entry = { licence: licence.licence, repo: licence.repo, at: new Date().toISOString() };
  await mkdir(layout.root, { recursive: true });
  const fresh = `${layout.licences}.${process.pid}.new`;
  await writeFile(fresh, JSON.stringify({ accepted: [...known.accepted, entry] }, undefined, 2));
  await rename(fresh, layout.licences);
}

async function readAccepted(layout: StoreLayout): Promise<z.infer<typeof acceptedShape>> {
  try {
    return acceptedShape.parse(JSON.parse(await readFile(layout.licences, 'utf8')));
  } catch {
    // None yet, or a file we cannot read: asking again is the safe side.
    return { accepted: [] };
  }
}

/** Reads the vectors of the package that verifies proposals; their origins are in the README beside them. */
import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../../packages/rekor-entries/test/vectors/', import.meta.url)
const bytes = (name: string): Buffer => readFileSync(new URL(name, folder))
export const json = (name: string): unknown => JSON.parse(bytes(name).toString())
export const base64 = (name: string): string => bytes(name).toString('base64')
export const names = (under: string): readonly string[] => readdirSync(new URL(under, folder)).toSorted()

export type Proposal = { readonly kind: string; readonly apiVersion: string; readonly spec: unknown }

export type NamedProposal = {
  readonly name: string
  readonly proposal: Proposal
  /** True for the one of its kind that is sent in many altered forms too. */
  readonly isExample?: boolean
}

export const proposalOf = (kind: string, spec: unknown): Proposal => ({ apiVersion: '0.0.1', kind, spec })

/** Patterns for images: repositories with their registry, as `registry.example/team/**`. */
import { quoted } from '@sigstack/crypto'
import { matchesGlob } from '@sigstack/policy'
import { badPolicy } from './errors.ts'

const dockerHub = 'docker.io'

/** Throws `bad_policy` for what no repository could match, or which would read as one with a tag. */
export function checkImagePattern(pattern: string, path: string): string {
  const refuse = (complaint: string) => badPolicy(`${path} ${quoted(pattern, 200)} ${complaint}`)
  if (!/^[A-Za-z0-9._:/*-]{1,512}$/.test(pattern)) throw refuse('has characters that no repository has')
  const slash = pattern.indexOf('/')
  const registry = slash < 0 ? pattern : pattern.slice(0, slash)
  if (pattern !== '**' && slash < 0) throw refuse('has no registry: write registry.example/name')
  if (pattern.includes(':', registry.length))
    throw refuse('has a tag: rules are about repositories, since a tag can move')
  if (!/[.:*]/.test(registry) && registry !== 'localhost')
    throw refuse(`has no registry: write ${dockerHub}/${slash < 0 ? 'library/' : ''}…`)
  if (pattern.split('/').includes('') || pattern.includes('***')) throw refuse('has an empty part')
  return pattern
}

/**
 * `repository` with its registry and without tag and digest. A registry has one name here, however it is written: in other letters,
 * with the port that is taken without one, or with the dot of the root; Docker Hub under either of its names.
 */
export function matchesImage(pattern: string, repository: string): boolean {
  return matchesGlob(canonical(pattern), canonical(repository))
}

function canonical(name: string): string {
  const slash = name.indexOf('/')
  const end = slash < 0 ? name.length : slash
  const registry = name.slice(0, end).toLowerCase().replace(/:443$/, '')
  return withoutIndex(`${registry.endsWith('.') ? registry.slice(0, -1) : registry}${name.slice(end)}`)
}

function withoutIndex(name: string): string {
  return name.startsWith(`index.${dockerHub}/`) ? name.slice('index.'.length) : name
}

/** One repository; else what it begins with, where the pattern takes anything below that; else neither. */
export function scopeOf(pattern: string): { readonly prefix: string; readonly isWhole: boolean } | undefined {
  if (!pattern.includes('*')) return { prefix: withoutIndex(pattern), isWhole: true }
  if (!pattern.endsWith('/**')) return undefined
  const prefix = pattern.slice(0, -'/**'.length)
  return prefix.includes('*') ? undefined : { prefix: withoutIndex(prefix), isWhole: false }
}

export function isOfDockerHub(pattern: string): boolean {
  return withoutIndex(pattern).startsWith(`${dockerHub}/`)
}

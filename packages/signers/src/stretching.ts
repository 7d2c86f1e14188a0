import { randomBytes } from 'node:crypto'

/**
 * How a password becomes the key of a key file. The rounds are what OWASP's Password Storage Cheat Sheet asks of PBKDF2 with SHA-256: a
 * tenth of a second each time the file is opened. Only tests, which make many such files, set fewer.
 */
export const stretching = { rounds: 600_000 }

/** The least of NIST SP 800-132, section 5.2. */
const fewestRounds = 1_000
const prefix = 'random-'

/** 256 random bits: nobody guesses them, so {@link roundsFor} has nothing to slow down. */
export function randomPassword(): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`
}

/** Of PBKDF2, for a password that was made here or chosen by anybody. */
export function roundsFor(password: string): number {
  return isRandomPassword(password) ? fewestRounds : stretching.rounds
}

export function isRandomPassword(password: string): boolean {
  return password.startsWith(prefix) && password.length === prefix.length + 43
}

/**
 * How a password becomes the key of a key file. The rounds are what OWASP's Password Storage Cheat Sheet asks of PBKDF2 with SHA-256: a
 * tenth of a second each time the file is opened. Only tests, which make many such files, set fewer.
 */
export const stretching = { rounds: 600_000 }

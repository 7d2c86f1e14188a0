/** What rekor-monitor is told to look for, and what it writes down of that, in words that two monitors can be compared by. */

export type MonitoredLog = 'rekor' | 'ct'

/** Whoever is watched. Rekor alone has names beside those of certificates, and keys. */
export type Watched = {
  readonly email: string
  readonly issuer: string
  /** Any name that ends with `@` and this. */
  readonly domain?: string
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly key?: string
}

/** Which of the watches, at which index, and what met it: `identity 7 a@example.org https://issuer`. */
export type FindingText = string

/** The configuration of rekor-monitor, which reads the whole log then. */
export function monitorSettings(log: MonitoredLog, watched: Watched, outputIdentities: string): object {
  const { email, issuer, domain, key } = watched
  return {
    // Rekor's entries are read from the one behind it.
    startIndex: log === 'ct' ? 0 : -1,
    outputIdentities,
    outputIdentitiesFormat: 'json',
    monitoredValues: {
      certIdentities: [{ certSubject: `^${escape(email)}$`, issuers: [`^${escape(issuer)}$`] }],
      ...(domain !== undefined && { subjects: [`@${escape(domain)}$`] }),
      ...(key !== undefined && { fingerprints: [key] }),
    },
  }
}

type Written = {
  readonly MatchedIdentity: { readonly type: 'certIdentity' | 'subject' | 'fingerprint' }
  readonly CertSubject: string
  readonly Issuer: string
  readonly Subject: string
  readonly Fingerprint: string
  readonly Index: number
}

/** Of its file, which has a line for each name of each signer; sorted, each once. */
export function monitorFindings(file: string): readonly FindingText[] {
  const lines = file.split('\n').filter((line) => line !== '')
  const texts = lines.map((line) => {
    const { MatchedIdentity, CertSubject, Issuer, Subject, Fingerprint, Index } = JSON.parse(line) as Written
    return {
      certIdentity: `identity ${Index} ${CertSubject} ${Issuer}`,
      subject: `name ${Index} ${Subject}`,
      fingerprint: `key ${Index} ${Fingerprint}`,
    }[MatchedIdentity.type]
  })
  return [...new Set(texts)].toSorted()
}

/** In an expression, for itself. */
export function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Whether the trial issuer runs. It signs in anyone as anyone, so it must never be there by oversight. */

/** What has to be said besides SIGSTACK_TRIAL=1 where others than this machine can reach the stack. */
export const exposedTrialWord = 'anyone-signs-in-as-anyone'

export type TrialSettings = {
  /** SIGSTACK_TRIAL; undefined where nobody said anything. */
  readonly asked: boolean | undefined
  /** SIGSTACK_TRIAL_EXPOSED. */
  readonly exposedWord: string | undefined
  /** Where others than this machine may reach the stack: the setting that says so, for the sentence. */
  readonly exposedBy: string | undefined
  /** Whether the operator brings issuers. */
  readonly hasIssuers: boolean
}

/** Throws one sentence where the settings leave no issuer, or ask for one that everybody on a network could use. */
export function decideTrial({ asked, exposedWord, exposedBy, hasIssuers }: TrialSettings): boolean {
  const trial = asked ?? (exposedBy === undefined && !hasIssuers)
  if (trial && exposedBy !== undefined && exposedWord !== exposedTrialWord)
    throw new Error(
      `the trial issuer signs in anyone as anyone, and ${exposedBy} lets others than this machine reach it; leave SIGSTACK_TRIAL out and name your issuers in SIGSTACK_CA_CONFIG_FILE, or say SIGSTACK_TRIAL_EXPOSED=${exposedTrialWord} besides`,
    )
  if (!trial && !hasIssuers)
    throw new Error(
      `without the trial issuer the CA needs issuers of yours; name their file in SIGSTACK_CA_CONFIG_FILE${
        asked === undefined && exposedBy !== undefined
          ? ` (the trial issuer stays off because ${exposedBy} lets others than this machine reach it; for a trial say SIGSTACK_TRIAL=1 and SIGSTACK_TRIAL_EXPOSED=${exposedTrialWord})`
          : ''
      }`,
    )
  return trial
}

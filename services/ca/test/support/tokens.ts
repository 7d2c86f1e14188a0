/** Claims as the providers give them, one example each; names are made up. */

export const gitHubClaims = {
  sub: 'repo:acme/app:ref:refs/heads/main',
  event_name: 'push',
  sha: 'bbbb',
  job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
  job_workflow_sha: 'aaaa',
  repository: 'acme/app',
  repository_id: '1234',
  repository_owner: 'acme',
  repository_owner_id: '56',
  repository_visibility: 'public',
  workflow: 'Release it',
  workflow_ref: 'acme/app/.github/workflows/top.yml@refs/heads/main',
  workflow_sha: 'cccc',
  ref: 'refs/heads/main',
  run_id: '789',
  run_attempt: '2',
  runner_environment: 'github-hosted',
}

export const gitLabClaims = {
  sub: 'project_path:acme/app:ref_type:branch:ref:main',
  ci_config_ref_uri: 'gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main',
  ci_config_sha: 'aaaa',
  runner_environment: 'gitlab-hosted',
  runner_id: 12,
  project_path: 'acme/app',
  sha: 'bbbb',
  ref: 'main',
  ref_type: 'branch',
  project_id: '1234',
  namespace_path: 'acme',
  namespace_id: '99',
  pipeline_id: '41',
  pipeline_source: 'push',
  job_id: '7',
  project_visibility: 'private',
}

export const buildkiteClaims = {
  sub: 'organization:acme:pipeline:app:ref:refs/heads/main:commit:cccc:step:build',
  organization_slug: 'acme',
  pipeline_slug: 'app',
  build_branch: 'main',
  build_commit: 'cccc',
  build_source: 'webhook',
  build_number: 12,
  job_id: 'j-1',
  runner_environment: 'self-hosted',
}

export const codefreshClaims = {
  sub: 'account:a1:pipeline:p1:scm_repo_url:https://github.com/acme/app',
  account_name: 'acme',
  account_id: 'a1',
  pipeline_name: 'app/release',
  pipeline_id: 'p1',
  workflow_id: 'w1',
  scm_repo_url: 'https://github.com/acme/app',
  scm_ref: 'main',
  runner_environment: 'codefresh-cloud',
}

export const circleClaims = {
  sub: 'org/o1/project/p1/user/u1',
  'oidc.circleci.com/project-id': 'p1',
  'oidc.circleci.com/pipeline-definition-id': 'd1',
  'oidc.circleci.com/pipeline-id': 'q1',
  'oidc.circleci.com/workflow-id': 'w1',
  'oidc.circleci.com/job-id': 'j1',
  'oidc.circleci.com/vcs-origin': 'github.com/acme/app',
  'oidc.circleci.com/vcs-ref': 'refs/heads/main',
  'oidc.circleci.com/ssh-rerun': false,
}

export const buddyClaims = {
  sub: 'acme/app',
  workspace_domain: 'acme',
  project_name: 'app',
  pipeline_id: 5,
  execution_id: 'e1',
  runner_environment: 'cloud',
  triggered_on: 'EVENT',
}

export const kubernetesClaims = (namespace: string, name: string) => ({
  sub: `system:serviceaccount:${namespace}:${name}`,
  'kubernetes.io': { namespace, serviceaccount: { name, uid: 'u-1' } },
})

//! Which page has what, under which heading, with which examples. Everything else comes from the types.

use std::fmt::Write as _;

use crate::parse::Kind;

/// The first line of a page that is generated.
pub const GENERATED: &str =
    "<!-- Generated from the types of the language: UPDATE_PAGES=1 cargo test -p runwarden-engine --lib pages -->";

/// A page of keys.
pub struct Page {
    /// Its file, without `.md`.
    pub file: &'static str,
    pub title: &'static str,
    /// What it is about, and where the prose stands.
    pub intro: &'static str,
    /// The document whose schema it shows.
    pub kind: Kind,
    pub parts: &'static [Part],
}

/// One map or choice of words.
pub struct Part {
    /// Its name among the definitions of the schema; empty for the document itself.
    pub name: &'static str,
    pub heading: &'static str,
    /// What is said after the table.
    pub note: &'static str,
    pub examples: &'static [&'static str],
}

const fn part(name: &'static str, heading: &'static str) -> Part {
    Part { name, heading, note: "", examples: &[] }
}

const fn shown(name: &'static str, heading: &'static str, examples: &'static [&'static str]) -> Part {
    Part { name, heading, note: "", examples }
}

pub const PAGES: &[Page] = &[
    Page {
        file: "procedure",
        title: "Procedures",
        intro: "A file of `kind: procedure`. In prose: [the language](../language.md#parts-of-a-procedure).",
        kind: Kind::Procedure,
        parts: &[
            shown(
                "",
                "Keys of a procedure",
                &["runwarden: v1
kind: procedure
name: ops.note
title: Leave a note
version: 1.0.0
summary: Writes a note for whoever comes next. Leaves everything else alone.
owner: platform
risk: low
parameters: { text: { type: string, min_length: 3 } }
steps:
  - id: write
    action: file.write
    with: { path: NOTE, content: '{{ parameters.text }}' }
    undo: { action: file.remove, with: { path: NOTE } }
outputs: { size: '{{ steps.write.size }}' }"],
            ),
            part("Source", "`source`"),
            part("Risk", "`risk`"),
            shown(
                "Target",
                "A target of `targets`",
                &["targets: { ledger: { kind: ledger, description: The ledger that is judged } }
steps:
  - { id: look, action: ledger.verify, with: { target: ledger } }"],
            ),
            part("TargetKind", "Kinds of targets"),
            shown(
                "Secret",
                "A secret of `secrets`",
                &["targets: { api: { kind: service } }
secrets: { token: { description: Session token of the dashboard } }
steps:
  - id: look
    action: http.get
    with: { target: api, path: /health, headers: { Authorization: '{{ secrets.token }}' } }"],
            ),
            shown(
                "Requires",
                "`requires`",
                &["parameters: { service: { type: string } }
requires:
  actor: operator
  approvals: { quorum: 1, from: [incident_commander], expires: 4h, in: [production] }
  locks: ['deploy/{{ parameters.service }}']
  limits: [{ at_most: 1, per: 1h, by: [parameters.service] }]"],
            ),
            part("ActorClass", "Classes of actors"),
            part("Approval", "`approvals` and `approval`"),
            part("Limit", "A limit of `limits`"),
            part("Environment", "Environments"),
            shown(
                "FailureMode",
                "A failure mode of `failure_modes`",
                &["failure_modes:
  - when: error.code == 'not_found'
    title: There is no such folder
    advice: Make it, then go on with `runwarden resume`."],
            ),
            part("Reaction", "`on_failure` and `on_violation`"),
        ],
    },
    Page {
        file: "steps",
        title: "Steps",
        intro: "What stands in `steps`, `finally` and `parallel`. A step is one of five kinds: it does an `action` (each has \
                [a page](../actions/)), runs another procedure (`call`), has a person do it (`manual`), does steps side \
                by side (`parallel`), or waits (`wait`). In prose: [the language](../language.md#parts-of-a-procedure).",
        kind: Kind::Procedure,
        parts: &[
            Part {
                name: "Step",
                heading: "Keys of a step",
                note: "One of each kind:",
                examples: &["targets: { epoch: { kind: epoch } }
secrets: { token: {} }
steps:
  - id: stop
    action: file.write
    with: { path: PAUSED, content: 'restore under way' }
    undo: { action: file.remove, with: { path: PAUSED } }
  - id: bump
    call: kora.callee
    with: { workspace: org_a, epoch: epoch, token: '{{ secrets.token }}' }
  - id: tell
    manual: { ask: Tell the users., answer: { told: { type: boolean } } }
  - id: look
    parallel:
      - { id: notes, action: file.stat, with: { path: NOTES } }
      - { id: lever, action: file.stat, with: { path: PAUSED } }
  - id: settle
    wait: 5m
    every: 10s
    until: { action: file.stat, with: { path: DONE }, expect: result.exists }"],
            },
            shown(
                "ForEach",
                "`for_each`",
                &["parameters: { files: { type: list, items: { type: path } } }
steps:
  - id: copy
    for_each: { items: '{{ parameters.files }}', as: file, max_items: 20 }
    action: file.copy
    with: { from: '{{ file }}', to: 'kept/{{ file }}' }"],
            ),
            shown(
                "Repeat",
                "`repeat`",
                &["targets: { epoch: { kind: epoch } }
steps:
  - id: bump
    action: epoch.bump
    with: { target: epoch }
    repeat: { until: result.epoch > result.known_epoch, max: 100 }
    verify: [{ id: passed, action: epoch.read, with: { target: epoch }, expect: result.epoch > result.known_epoch }]
    undo: { none: An epoch only moves forward. }"],
            ),
            shown(
                "Retry",
                "`retry`",
                &["targets: { api: { kind: service } }
steps:
  - id: ask
    action: http.get
    with: { target: api, path: /state }
    retry: { attempts: 5, backoff: 1s, factor: 2, max: 30s, on: [transient] }"],
            ),
            part("RetryOn", "Failures that are tried again"),
            shown(
                "Manual",
                "`manual` of a step",
                &["steps:
  - id: switch
    manual:
      ask: Switch the load balancer to the other site, and type its name.
      answer: { site: { type: enum, values: [north, south] } }
      evidence: { min: 1, what: A screenshot of the load balancer }
      by: [network]"],
            ),
            part("Evidence", "`evidence`"),
            part("Undo", "`undo`"),
            part("OnError", "`on_error`"),
            part("Checkpoint", "`checkpoint`"),
            part("SecretOutput", "A secret output of `secret_outputs`"),
        ],
    },
    Page {
        file: "checks",
        title: "Checks",
        intro: "Questions with a yes or no answer, wherever they stand. In prose: \
                [the language](../language.md#parts-of-a-procedure).",
        kind: Kind::Procedure,
        parts: &[
            shown(
                "Precondition",
                "A check of `preconditions`",
                &["preconditions:
  - id: there
    title: The file that is restored is there
    action: file.stat
    with: { path: backup.db }
    expect: result.exists and result.size > 0
    help: Fetch the backup first."],
            ),
            shown(
                "Verification",
                "A check of `verify`",
                &["targets: { site: { kind: service } }
verify:
  - id: shown
    title: The site answers
    action: http.ready
    with: { target: site, path: /health }
    expect: result.ready
    wait: { every: 2s, timeout: 1m }"],
            ),
            part("Condition", "`satisfied_when`, `until` and `abort_when`"),
            part("Wait", "`wait` of a check"),
            part("Severity", "`severity`"),
            shown(
                "ManualCheck",
                "`manual` of a check",
                &["verify:
  - id: looked
    manual:
      ask: Does the page show the notice?
      answer: { shown: { type: boolean } }
      expect: answer.shown"],
            ),
        ],
    },
    Page {
        file: "guards",
        title: "Guards",
        intro: "What stands in `do_not`, of a procedure and of the workspace's `policy`. What cannot be decided counts as \
                violated. In prose: [the language](../language.md#parts-of-a-procedure).",
        kind: Kind::Procedure,
        parts: &[
            Part {
                name: "Guard",
                heading: "Keys of a guard",
                note: "One of each kind:",
                examples: &["parameters: { tag: { type: string } }
targets: { ledger: { kind: ledger } }
do_not:
  - id: not_while_broken
    rule: Do not deploy over a ledger that is broken.
    never: not state.sound
    state: { action: ledger.verify, with: { target: ledger } }
  - id: only_below_site
    rule: Do not write outside of the site's folder.
    forbid: file.write
    where: not inside(with.path, 'site')
    waivable: { by: [incident_commander], max_for: 4h, max_uses: 2 }
  - id: not_again_in_hope
    rule: Do not verify the same bytes again and hope.
    once_failed: ledger.verify
    on_violation: stop"],
            },
            part("State", "`state`"),
            part("Moment", "`enforce`"),
            part("Waivable", "`waivable`"),
            part("Terms", "Terms of `waivable`"),
        ],
    },
    Page {
        file: "parameters",
        title: "Parameters and answers",
        intro: "What a run is given, and what people answer: both have these types.",
        kind: Kind::Procedure,
        parts: &[
            shown(
                "Parameter",
                "Keys of a parameter",
                &["parameters:
  workspace_id: { type: string, pattern: '^org_[A-Za-z0-9]+$', description: Clerk organisation }
  copies: { type: integer, min: 1, max: 5, default: 2 }
  settle: { type: duration, default: 60s, max: 10m }
  level: { type: enum, values: [soft, hard] }
  hosts: { type: list, items: { type: string, min_length: 3 }, min_length: 1 }"],
            ),
            part("Sort", "`type`"),
            part("Bound", "`min` and `max`"),
        ],
    },
    Page {
        file: "checklist",
        title: "Checklists",
        intro: "A file of `kind: checklist`, asked by `runwarden gate`. In prose: [gates](../gates.md).",
        kind: Kind::Checklist,
        parts: &[
            shown(
                "",
                "Keys of a checklist",
                &["runwarden: v1
kind: checklist
name: release.ready
title: Ready to release
version: 1.0.0
summary: What must be so before a release is tagged; it changes nothing.
owner: release
items:
  - id: changelog
    title: The changelog says something
    group: Files
    action: file.stat
    with: { path: CHANGELOG.md }
    expect: result.exists and result.size > 14
    help: Add a line for each change."],
            ),
            part("Item", "A check of `items`"),
        ],
    },
    Page {
        file: "test",
        title: "Tests of procedures",
        intro: "A file of `kind: test` beside the procedure, run by `runwarden test`. In prose: [tests](../testing.md).",
        kind: Kind::Test,
        parts: &[
            shown(
                "",
                "Keys of a test",
                &["runwarden: v1
kind: test
name: kora.list_of_points.test
title: The points
version: 1.0.0
summary: It opens when it is wanted.
owner: me
procedure: kora.list_of_points
cases:
  - id: open
    parameters: { wanted: true }
    expect: { status: succeeded, exit: 0, items: { a: passed } }
  - id: shut
    parameters: { wanted: false }
    expect: { status: failed, exit: 1, items: { a: failed } }"],
            ),
            part("Defaults", "`defaults`"),
            part("Case", "A case of `cases`"),
            part("Actor", "`actor` of a case"),
            part("Approval", "An approval of a case"),
            part("Purpose", "`purpose`"),
            part("Waiver", "A waiver of a case"),
            part("PastRun", "An earlier run of `history`"),
            part("PastError", "`error` of an earlier run"),
            part("Then", "`then`"),
            part("Expected", "`expect` of a case"),
            part("ExpectedStep", "A step of `expect`"),
            part("RunStatus", "How runs end"),
            part("StepState", "States of steps"),
            part("ItemState", "What came of items"),
        ],
    },
    Page {
        file: "workspace",
        title: "The workspace file",
        intro: "`runwarden.yaml`: where runs are recorded, who people are, what targets and secrets are, and what holds for \
                every procedure. In prose: [secrets, epochs and pauses](../language.md#secrets), \
                [actors](../approvals.md#actors), [anchors](../anchors.md), [the ledger](../ledger.md).",
        kind: Kind::Workspace,
        parts: &[
            shown(
                "",
                "Keys of the workspace file",
                &["# runwarden.yaml
runwarden: v1
environment: staging
ledger: { path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: example.org/ops }
procedures: [procedures]
actors:
  ada: { class: operator, roles: [incident_commander] }
targets:
  env_file: { kind: secret_store, driver: dotenv, path: prod.env }
  substrate: { kind: epoch, driver: sqlite, path: substrate.db }
secrets:
  token: { from: env_file, key: API_TOKEN }
bindings:
  kora.callee: { targets: { epoch: substrate } }
policy:
  do_not:
    - id: stay_here
      rule: Do not write outside of the workspace.
      forbid: file.write
      where: not inside(with.path, workspace.root)
  require:
    production: { approvals: { from: [incident_commander] } }"],
            ),
            part("Ledger", "`ledger`"),
            part("Witness", "A witness of `witnesses`"),
            part("Actor", "An actor of `actors`"),
            Part {
                name: "WorkspaceTarget",
                heading: "A target of the workspace",
                note: "What else a target has depends on its driver: [targets](targets.md).",
                examples: &[],
            },
            part("Secret", "A secret of the workspace"),
            part("Binding", "A binding of `bindings`"),
            part("Policy", "`policy`"),
            part("Requirements", "`require`"),
            part("Requirement", "What an environment requires"),
            part("Anchors", "`anchors`"),
            part("Witnesses", "`witnesses` of an environment"),
        ],
    },
    Page {
        file: "targets",
        title: "Targets",
        intro: "What each driver needs to know. A target of the workspace file has its `kind`, its `driver` (the first of a \
                kind where it names none), and these keys. In prose: [secrets, epochs and pauses](../language.md#secrets), \
                [anchors](../anchors.md).",
        kind: Kind::Workspace,
        parts: &[
            shown(
                "TargetKind",
                "Kinds",
                &["# runwarden.yaml
runwarden: v1
environment: staging
ledger: { path: .runwarden/ledger.db, key: .runwarden/ledger.key, origin: example.org/ops }
targets:
  control_plane: { kind: service, url: 'https://kora.example.org' }
  substrate:
    kind: epoch
    driver: postgres
    connection: { host: db.example.org, database: kora, user: runwarden, ca_file: /etc/ssl/db.pem }
    actor: 6b1d6f0e-58e4-4b3c-9d27-3f1c8b6a2e11
  audit: { kind: ledger, driver: hash_chain, path: /var/lib/forge/audit.jsonl, recipe: audit }
  vault: { kind: secret_store, driver: vault, url: 'https://vault.example.org', path: kora/prod }
  off_site:
    kind: anchor_store
    driver: s3
    bucket: anchors
    access_key_id: { env: ANCHOR_KEY_ID }
    secret_access_key: { secret: anchor_key }
    object_lock: { mode: compliance, keep: 365d }
secrets:
  anchor_key: { from: vault, key: ANCHOR_SECRET }"],
            ),
            part("ServiceHttp", "`service`: `http`"),
            part("CommandCommand", "`command`: `command`"),
            part("EpochSqlite", "`epoch`: `sqlite`"),
            part("EpochPostgres", "`epoch`: `postgres`"),
            part("PauseFile", "`pause`: `file`"),
            part("PausePostgres", "`pause`: `postgres`"),
            part("PauseCommand", "`pause`: `command`"),
            part("PauseEvm", "`pause`: `evm`"),
            part("Connection", "`connection` to PostgreSQL"),
            part("SecretStoreDotenv", "`secret_store`: `dotenv`"),
            part("SecretStoreEnv", "`secret_store`: `env`"),
            part("SecretStoreDirectory", "`secret_store`: `directory`"),
            part("SecretStoreVault", "`secret_store`: `vault`"),
            part("SecretStoreCommand", "`secret_store`: `command`"),
            part("Stdin", "`stdin` of a command that keeps secrets"),
            part("LedgerRunwarden", "`ledger`: `runwarden`"),
            part("LedgerCorvusforge", "`ledger`: `corvusforge`"),
            part("LedgerHashChain", "`ledger`: `hash_chain`"),
            part("Recipe", "`recipe` of a hash chain"),
            part("LedgerDigestLog", "`ledger`: `digest_log`"),
            part("AnchorStoreDirectory", "`anchor_store`: `directory`"),
            part("AnchorStoreGitTag", "`anchor_store`: `git_tag`"),
            part("AnchorStoreS3", "`anchor_store`: `s3`"),
            part("Lock", "`object_lock`"),
            part("LockMode", "`mode` of an object lock"),
            part("AnchorStoreRekor", "`anchor_store`: `rekor`"),
            part("AnchorStoreSmtp", "`anchor_store`: `smtp`"),
            part("Protection", "`tls` of mail"),
            part("Credential", "Where a credential is"),
            part("Trust", "`trust` in an anchor store"),
            part("PluginRegistryCorvusforge", "`plugin_registry`: `corvusforge`"),
            part("ArtifactStoreCorvusforge", "`artifact_store`: `corvusforge`"),
        ],
    },
];

/// The first page.
pub fn index() -> String {
    let mut out = format!(
        "# Reference of the language\n\n{GENERATED}\n\nEvery key, what its value is and what it means, as the program itself \
         knows them. [The language](../language.md) says it in prose, the [tutorial](../tutorial.md) by doing. Keys marked \
         with \\* must be there; every map takes keys of your own that begin with `x-`; `runwarden schema KIND` prints the \
         same as JSON Schema.\n\n| Page | What it has |\n|---|---|\n"
    );
    for page in PAGES {
        let headings: Vec<&str> = page.parts.iter().skip(1).map(|part| part.heading).collect();
        writeln!(out, "| [{}]({}.md) | {} |", page.title, page.file, headings.join(", ")).expect("a string takes all");
    }
    out.push_str("| [Expressions](expressions.md) | names in scope, operators, functions, filters, tests |\n");
    out.push_str(
        "\nBeside it: a page for each [action](../actions/), for each [diagnostic](../diagnostics/), and the \
         [exit codes](../exit_codes.md).\n\n## Values\n\n| Value | What it is |\n|---|---|\n\
         | an expression | bare, without `{{ }}`: see [expressions](expressions.md) |\n\
         | any value, with templates | `'{{ e }}'` as a whole keeps the value's type; inside a longer text it must be a scalar |\n\
         | text | for people; `{{ }}` and `{% %}` in it are rendered |\n\
         | id | a lowercase letter, then lowercase letters, digits and `_`; literal, as all names are |\n\
         | name | ids joined by dots, like `kora.dr_epoch_bump` |\n",
    );
    out
}

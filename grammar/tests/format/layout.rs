//! What the output looks like.

use ordain_grammar::format;

fn formatted(text: &str) -> String {
    let out = format(text).unwrap();
    assert_eq!(format(&out).unwrap(), out, "it should stay as it is");
    out
}

/// Clauses in their order, values in a column, comments with their clauses.
#[test]
fn clauses_come_in_order() {
    let text = r#"
package   acme.support
/// Customer data never leaves.
rule   no-pii-export{source manual
  overrides exports-allowed,   other because "DPA section 4" depends on baseline
  // only here
  when tool.name=="export"and sensitive // for now
  priority -5

  scope project acme/support except agent   acme/support/x,agent acme/support/y
  enforce block type safety status active }
limit m { per agent warn at 85% scope tenant acme enforce block at most 1_200.00   USD type cost_monthly
active mon..fri   09:00..17:00 in Europe/Berlin from 2026-01-01 until 2027-01-01T00:00:00Z
active fri 18:00..mon 08:00 active mon .. wed,sat in UTC }
"#;
    insta::assert_snapshot!(formatted(text), @r#"
    package acme.support
    /// Customer data never leaves.
    rule no-pii-export {
      type        safety
      enforce     block

      scope       project acme/support except agent acme/support/x, agent acme/support/y
      priority    -5
      // only here
      when        tool.name == "export" and sensitive  // for now
      depends on  baseline
      overrides   exports-allowed, other because "DPA section 4"
      status      active
      source      manual
    }
    limit m {
      type     cost_monthly
      at most  1_200.00 USD
      enforce  block
      scope    tenant acme
      per      agent
      warn at  85%
      active   mon..fri 09:00 .. 17:00 in Europe/Berlin from 2026-01-01 until 2027-01-01T00:00:00Z
      active   fri 18:00 .. mon 08:00
      active   mon..wed, sat in UTC
    }
    "#);
}

/// Neighbours on one line each share columns; an empty line or a comment between them ends that.
#[test]
fn declarations_share_columns() {
    let text = r#"
fact data.class:enum{public,internal,}
fact ticket.id : string optional // readable only under has
fact amount : money USD in -5..1_000.00 // why
meter emails:count

private fact x:set of enum{a,b} opaque
// apart
fact long.name : decimal( 2 ) in 0.00 .. 1.00
let a=x==1
private let sensitive = data.class in {pii,phi}
let org = tenant acme except project acme/sandbox
let tools={"delete","drop"}
limit breather { type cooldown at least 30s enforce queue scope agent acme/support/mailer }
limit risk { type risk_ceiling at most 0.7 enforce block scope global }
rule r { type safety enforce block scope tenant "a b"/x }
"#;
    insta::assert_snapshot!(formatted(text), @r#"
    fact data.class : enum { public, internal }
    fact ticket.id  : string optional            // readable only under has
    fact amount     : money USD in -5..1_000.00  // why
    meter emails    : count

    private fact x : set of enum { a, b } opaque
    // apart
    fact long.name : decimal(2) in 0.00..1.00
    let a                 = x == 1
    private let sensitive = data.class in { pii, phi }
    let org               = tenant acme except project acme/sandbox
    let tools             = { "delete", "drop" }
    limit breather { type cooldown      at least 30s  enforce queue  scope agent acme/support/mailer }
    limit risk     { type risk_ceiling  at most 0.7  enforce block  scope global }
    rule r         { type safety        enforce block  scope tenant "a b"/x }
    "#);
}

/// What is too long for a line.
#[test]
fn long_ones_break() {
    let text = r#"
let sensitive = data.class in { pii, phi } and run.environment == production and not run.attended or user.role == admin and (user.country == "DE" or user.country == "AT" or user.country == "CH" or user.country == "LI")
let tools = { "delete", "drop", "truncate", "remove", "erase", "wipe", "purge", "shred", "expunge", "obliterate" }
let named = tool.name in { "delete", "drop", "truncate", "remove", "erase", "wipe", "purge", "shred", "expunge" }
let org = tenant acme, tenant globex, project initech/support, project umbrella/research except agent acme/support/trainer
fact data.class : enum { public, internal, confidential, pii, phi, secret, top-secret, restricted, unclassified } optional
rule long {
  type safety
  enforce block
  scope project acme/support, project acme/payments, project acme/platform except agent acme/support/trainer, agent acme/payments/clerk
  when tool.name in { "export", "download", "copy" } and not (has ticket.id and ticket.id like "CHG-*" and ticket.open) and run.risk > 0.5
  depends on acme.platform.no-raw-shell, acme.platform.no-self-update, acme.platform.audit-administration
  overrides acme.platform.large-export because "data processing agreement with all our customers, section 4"
}
limit too-long-for-one { type cooldown  at least 30s  enforce queue  scope agent acme/support/mailer  when rule no-pii-export }
"#;
    insta::assert_snapshot!(formatted(text), @r#"
    let sensitive =
      data.class in { pii, phi } and run.environment == production and not run.attended
      or user.role == admin
        and (
          user.country == "DE" or user.country == "AT" or user.country == "CH" or user.country == "LI"
        )
    let tools = {
      "delete",
      "drop",
      "truncate",
      "remove",
      "erase",
      "wipe",
      "purge",
      "shred",
      "expunge",
      "obliterate",
    }
    let named = tool.name in {
      "delete",
      "drop",
      "truncate",
      "remove",
      "erase",
      "wipe",
      "purge",
      "shred",
      "expunge",
    }
    let org =
      tenant acme, tenant globex, project initech/support, project umbrella/research
      except agent acme/support/trainer
    fact data.class : enum {
      public,
      internal,
      confidential,
      pii,
      phi,
      secret,
      top-secret,
      restricted,
      unclassified,
    } optional
    rule long {
      type        safety
      enforce     block
      scope       project acme/support, project acme/payments, project acme/platform
                  except agent acme/support/trainer, agent acme/payments/clerk
      when        tool.name in { "export", "download", "copy" }
                  and not (has ticket.id and ticket.id like "CHG-*" and ticket.open)
                  and run.risk > 0.5
      depends on  acme.platform.no-raw-shell,
                  acme.platform.no-self-update,
                  acme.platform.audit-administration
      overrides   acme.platform.large-export
                  because "data processing agreement with all our customers, section 4"
    }
    limit too-long-for-one {
      type      cooldown
      at least  30s
      enforce   queue
      scope     agent acme/support/mailer
      when      rule no-pii-export
    }
    "#);
}

/// Comments wherever they may stand.
#[test]
fn comments_stay() {
    let text = r"
// file

// head
package p // p
use b // b
// about a
use a

fact x : enum { // open
  a, // about a
  // about b

  // more about b
  b // about b, too
  // end
} // x
/// Documentation.
rule r // r
{ // in r

  // first
  type // the type
    safety // type
  // about enforce
  enforce block

  // apart

  when a // a
    // b
    and b

  // last
} // behind r
// end

// of file";
    insta::assert_snapshot!(formatted(text), @r"
    // file

    // head
    package p  // p
    // about a
    use a
    use b  // b

    fact x : enum {  // open
      a,  // about a
      // about b

      // more about b
      b,  // about b, too
      // end
    }  // x
    /// Documentation.
    rule r  // r
    {       // in r
      // first
      type  // the type
               safety  // type
      // about enforce
      enforce  block

      // apart

      when     a  // a
               // b
               and b

      // last
    }  // behind r
    // end

    // of file
    ");
}

/// Groups of imports; what stands above an empty line stays.
#[test]
fn uses_are_sorted() {
    let text = r"
// All of them.

// about z
use z.* // z
use a.b as c
use a.b
use a.b.c

use y
use x
";
    insta::assert_snapshot!(formatted(text), @r"
    // All of them.

    use a.b
    use a.b as c
    use a.b.c
    // about z
    use z.*  // z

    use x
    use y
    ");
}

/// Templates, applications and tests.
#[test]
fn templates_and_applications() {
    let text = r#"
template spend-guard(team:project=acme/support,cap:money USD=100.00 USD){limit hard{type cost_daily at most cap enforce block scope team}
limit soft{type cost_daily at most cap*80% enforce warn scope team}
  // more
  apply other ( a=1 , ) as x
}
template wide(where: scope = tenant acme, tenant globex except project acme/x, what: condition = tool.category == write, mode: enum { block, warn } = block) {}
apply spend-guard(team=acme/support,cap=400.00 USD)as support-spend
apply spend-guard(team = acme/support, other = tenant acme, tenant globex, cap = (1 + 2) * x, what = a and b or not c)
require coverage safety for tool.name in{"export","delete"}in tenant acme
require coverage safety for tool.name in { "export", "delete", "drop", "truncate" } in tenant acme, tenant globex, project initech/support
allow scope-overlap between no-pii-export and legacy-export until 2027-01-31 because "legacy-export is retired in Q1"
allow ORD0404 for a because "short"
test "exporting pii is blocked"{expect block by no-pii-export,b not by c given agent acme/support/mailer at 2026-03-02T10:00:00Z
tool.name="export",data.class=pii, labels = { "a","b" } uses tokens = 1_200 cost = 0.04 USD apply spend-guard(team = x) as y }
test "one" { given at 2026-03-02T10:00:00Z tool.name = "x"  expect allow }
"#;
    insta::assert_snapshot!(formatted(text), @r#"
    template spend-guard(team: project = acme/support, cap: money USD = 100.00 USD) {
      limit hard { type cost_daily  at most cap        enforce block  scope team }
      limit soft { type cost_daily  at most cap * 80%  enforce warn   scope team }
      // more
      apply other(a = 1) as x
    }
    template wide(
      where: scope = tenant acme, tenant globex except project acme/x,
      what: condition = tool.category == write,
      mode: enum { block, warn } = block,
    ) {}
    apply spend-guard(team = acme/support, cap = 400.00 USD) as support-spend
    apply spend-guard(
      team = acme/support,
      other = tenant acme, tenant globex,
      cap = (1 + 2) * x,
      what = a and b or not c,
    )
    require coverage safety for tool.name in { "export", "delete" } in tenant acme
    require coverage safety
      for tool.name in { "export", "delete", "drop", "truncate" }
      in tenant acme, tenant globex, project initech/support
    allow scope-overlap between no-pii-export and legacy-export until 2027-01-31
      because "legacy-export is retired in Q1"
    allow ORD0404 for a because "short"
    test "exporting pii is blocked" {
      apply   spend-guard(team = x) as y
      given   agent acme/support/mailer at 2026-03-02T10:00:00Z
              tool.name = "export", data.class = pii, labels = { "a", "b" }
      uses    tokens = 1_200 cost = 0.04 USD
      expect  block by no-pii-export, b not by c
    }
    test "one" { given at 2026-03-02T10:00:00Z tool.name = "x"  expect allow }
    "#);
}

/// Words that are keywords elsewhere are words only where their line or operand ends.
#[test]
fn keywords_as_words_end_their_line() {
    let text = r"
rule a { type safety enforce block when kind == active
}
rule b { type safety enforce block when kind == active }
rule c { source manual type safety when (kind == agent) and kind == agent and a }
";
    insta::assert_snapshot!(formatted(text), @r"
    rule a {
      type     safety
      enforce  block
      when     kind == active
    }
    rule b { type safety  enforce block  when kind == active }
    rule c { type safety  when (kind == agent) and kind == agent and a  source manual }
    ");
}

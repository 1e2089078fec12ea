import { Migration } from '@mikro-orm/migrations';

export class M0002Webhooks extends Migration {
  override up(): void {
    this.addSql(`
      create table webhook_log (
        id uuid not null,
        source text not null,
        provider text not null,
        verdict text not null,
        state text not null,
        dedupe_key bytea null,
        secret_label text null,
        text_id text null,
        sha256 bytea null,
        size_bytes int not null,
        client_address text not null,
        headers jsonb not null,
        body bytea null,
        correlation_id text not null,
        received_at timestamptz not null,
        verify_us int not null,
        batch_wait_us int not null,
        stored_at timestamptz not null default clock_timestamp(),
        duplicates int not null default 0,
        last_duplicate_at timestamptz null,
        attempts int not null default 0,
        checks int not null default 0,
        next_check_at timestamptz null,
        last_error text null,
        closed_at timestamptz null,
        constraint webhook_log_pkey primary key (id),
        constraint webhook_log_state_check check (state in ('open', 'done', 'dead'))
      )`);
    this.addSql(
      'create unique index webhook_log_copy on webhook_log (source, dedupe_key) where dedupe_key is not null',
    );
    this.addSql("create index webhook_log_due on webhook_log (next_check_at) where state = 'open'");
    this.addSql('create index webhook_log_recent on webhook_log (received_at, id)');
    this.addSql("create index webhook_log_dead on webhook_log (received_at) where state = 'dead'");
    this.addSql('create index webhook_log_by_source on webhook_log (source, received_at, id)');
    // Requests that were accepted pay nothing for these two.
    this.addSql("create index webhook_log_unaccepted on webhook_log (received_at, id) where verdict <> 'accepted'");
    this.addSql(
      "create index webhook_log_by_verdict on webhook_log (verdict, received_at, id) where verdict <> 'accepted'",
    );
    this.addSql('create index webhook_log_by_text_id on webhook_log (text_id) where text_id is not null');
    // Each row is updated once, soon after it was inserted: room on its page keeps that cheap.
    this.addSql('alter table webhook_log set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)');

    this.addSql(`
      create table webhook_event (
        id uuid not null,
        source text not null,
        event_key text not null,
        receipt_id uuid not null,
        type text not null,
        occurred_at timestamptz null,
        subjects text[] not null,
        data jsonb not null,
        raw jsonb not null,
        state text not null,
        attempts int not null default 0,
        replay int not null default 0,
        next_check_at timestamptz null,
        leased_until timestamptz null,
        last_error text null,
        correlation_id text not null,
        created_at timestamptz not null default clock_timestamp(),
        closed_at timestamptz null,
        constraint webhook_event_pkey primary key (id),
        constraint webhook_event_state_check check (state in ('open', 'done', 'dead'))
      )`);
    this.addSql('create unique index webhook_event_copy on webhook_event (event_key, source)');
    this.addSql('create index webhook_event_by_receipt on webhook_event (receipt_id)');
    this.addSql("create index webhook_event_due on webhook_event (next_check_at) where state = 'open'");
    this.addSql('create index webhook_event_by_subject on webhook_event using gin (subjects)');
    this.addSql('create index webhook_event_recent on webhook_event (source, created_at, id)');
    this.addSql("create index webhook_event_dead on webhook_event (created_at) where state = 'dead'");
    this.addSql('alter table webhook_event set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)');

    this.addSql(`
      create table webhook_effect (
        event_id uuid not null,
        handler text not null,
        replay int not null,
        applied_at timestamptz not null default clock_timestamp(),
        constraint webhook_effect_pkey primary key (event_id, handler, replay)
      )`);
    this.addSql('create index webhook_effect_by_time on webhook_effect (applied_at)');

    this.addSql(`
      create table message_status (
        source text not null,
        message_id text not null,
        status text not null,
        rank smallint not null,
        occurred_at timestamptz null,
        event_id uuid not null,
        changed_at timestamptz not null default clock_timestamp(),
        constraint message_status_pkey primary key (source, message_id)
      )`);
    this.addSql('create index message_status_by_time on message_status (source, changed_at)');
    this.addSql('alter table message_status set (fillfactor = 80)');
  }

  override down(): void {
    this.addSql('drop table message_status');
    this.addSql('drop table webhook_effect');
    this.addSql('drop table webhook_event');
    this.addSql('drop table webhook_log');
  }
}

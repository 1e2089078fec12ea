import { Migration } from '@mikro-orm/migrations';

export class M0001Audit extends Migration {
  override up(): void {
    this.addSql(`
      create table security_event (
        id uuid not null,
        type text not null,
        severity text not null,
        occurred_at timestamptz not null,
        recorded_at timestamptz not null default now(),
        actor_id uuid null,
        actor_kind text not null,
        target_kind text null,
        target_id text null,
        address_prefix text null,
        correlation_id text null,
        source text null,
        count int not null default 1,
        details jsonb not null,
        constraint security_event_pkey primary key (id)
      )`);
    this.addSql('create index security_event_recent on security_event (occurred_at, id)');
    this.addSql('create index security_event_by_type on security_event (type, occurred_at)');
    this.addSql('create index security_event_by_actor on security_event (actor_id, occurred_at)');
    this.addSql(`
      create function security_event_is_append_only() returns trigger language plpgsql as $$
      begin
        raise exception 'security events are append-only' using errcode = '42501';
      end $$`);
    this.addSql(`
      create trigger security_event_append_only before update or delete on security_event
        for each row execute function security_event_is_append_only()`);
    this.addSql(`
      create trigger security_event_never_truncated before truncate on security_event
        for each statement execute function security_event_is_append_only()`);
  }

  override down(): void {
    this.addSql('drop table security_event');
    this.addSql('drop function security_event_is_append_only()');
  }
}

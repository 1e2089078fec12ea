import { Migration } from '@mikro-orm/migrations';

export class M0004Uploads extends Migration {
  override up(): void {
    this.addSql(`
      create table upload (
        id uuid not null,
        owner_id uuid not null,
        ticket_id text not null,
        status text not null,
        reason text null,
        detail text null,
        version int not null default 1,
        original_name text not null,
        extension text not null,
        declared_type text null,
        verified_type text null,
        verification text null,
        warnings text[] not null default '{}',
        size_bytes bigint not null,
        sha256 bytea not null,
        stored_name text null,
        signatures text null,
        signature_version text null,
        idempotency_key text null,
        fingerprint bytea null,
        attempts int not null default 0,
        last_error text null,
        next_check_at timestamptz not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        scanned_at timestamptz null,
        deleted_at timestamptz null,
        constraint upload_pkey primary key (id)
      )`);
    this.addSql('create index upload_by_owner on upload (owner_id, id)');
    this.addSql('create index upload_by_owner_time on upload (owner_id, created_at)');
    this.addSql('create index upload_by_ticket on upload (ticket_id, id)');
    this.addSql('create index upload_by_hash on upload (owner_id, sha256)');
    this.addSql('create index upload_by_stored_name on upload (stored_name)');
    this.addSql('create index upload_by_status on upload (status, next_check_at)');
    this.addSql('alter table upload add constraint upload_idempotency unique (owner_id, idempotency_key)');
    this.addSql(`
      create function upload_tells_change() returns trigger language plpgsql as $$
      begin
        perform pg_notify('upload_changed', new.id::text);
        return null;
      end $$`);
    this.addSql(`
      create trigger upload_change_told after update on upload
        for each row when (old.version is distinct from new.version) execute function upload_tells_change()`);
  }

  override down(): void {
    this.addSql('drop table upload');
    this.addSql('drop function upload_tells_change()');
  }
}

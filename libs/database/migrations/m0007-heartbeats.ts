import { Migration } from '@mikro-orm/migrations';

export class M0007Heartbeats extends Migration {
  override up(): void {
    this.addSql(`
      create table process_heartbeat (
        id uuid not null,
        process text not null,
        host text not null,
        pid int not null,
        started_at timestamptz not null,
        beat_at timestamptz not null,
        details jsonb not null,
        constraint process_heartbeat_pkey primary key (id)
      )`);
    this.addSql('create index process_heartbeat_beat on process_heartbeat (beat_at)');
  }

  override down(): void {
    this.addSql('drop table process_heartbeat');
  }
}

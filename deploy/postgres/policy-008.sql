-- Whose database it is: grain state and reminders are kept by service id, fleets and rollouts are not, so that a second service on
-- one database would share the half of it. What is there already belongs to whoever wrote it.
CREATE TABLE installation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    service_id text NOT NULL
);

INSERT INTO installation (service_id)
SELECT ServiceId FROM (SELECT ServiceId FROM OrleansStorage UNION SELECT ServiceId FROM OrleansRemindersTable) AS known
ORDER BY ServiceId = 'orleans-policy' DESC, ServiceId LIMIT 1;

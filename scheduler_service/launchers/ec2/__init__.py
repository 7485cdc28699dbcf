"""Workers on EC2: a fresh machine for every attempt, which ends with it.

`settings` what an operator says, `launch_plan` what is asked of EC2, frozen with the attempt, `answers` what EC2's
errors mean, `launcher` the contract, `user_data` what a machine does first, `reaper` what may not go on living.
"""

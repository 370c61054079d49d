"""Starts ministack, an emulator of AWS that this project did not write, and fills four gaps of it. The templates are left as they are.

1. An alarm over metric math is refused by its CloudFormation: it is kept here, and never evaluated.
2. Its Scheduler leaves context attributes in a target's input: they are filled in, as AWS does.
3. With IAM enforced it asks for sqs:SendMessageBatch, an action that AWS does not have: batches need sqs:SendMessage.
4. The event of a function's URL lacks the cookies of the request.
"""

import sys
from datetime import datetime, timezone

from ministack.core import iam_actions, iam_evaluator
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners

alarm_record = provisioners._cw_metric_alarm_record
action_of = iam_actions.extract_iam_action
invoke_target = eventbridge._invoke_target
url_event = lambda_svc._build_function_url_event


def keep_alarm(name, properties):
    if not properties.get("Metrics"):
        return alarm_record(name, properties)
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    return alarm_record(name, {**rest, "MetricName": "math", "Namespace": "math", "Dimensions": []})


def single_action(service, *args, **options):
    action = action_of(service, *args, **options)
    return action.removesuffix("Batch") if isinstance(action, str) and action.startswith("sqs:") else action


def fill_context(target, event, rule, view=None):
    text = target.get("Input")
    if event.get("Source") == "aws.scheduler" and isinstance(text, str):
        at = datetime.fromtimestamp(event["Time"], tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        target = {**target, "Input": text.replace("<aws.scheduler.scheduled-time>", at)}
    return invoke_target(target, event, rule, view)


def with_cookies(*args, **options):
    event = url_event(*args, **options)
    cookies = event["headers"].get("cookie", "")
    return {**event, "cookies": [each.strip() for each in cookies.split(";")]} if cookies else event


lambda_svc._build_function_url_event = with_cookies
provisioners._cw_metric_alarm_record = keep_alarm
eventbridge._invoke_target = fill_context
iam_actions.extract_iam_action = single_action
if hasattr(iam_evaluator, "extract_iam_action"):
    iam_evaluator.extract_iam_action = single_action

import ministack.app  # noqa: E402  (it takes its own copies of what is replaced above)

if hasattr(ministack.app, "extract_iam_action"):
    ministack.app.extract_iam_action = single_action
sys.exit(ministack.app.main())

# Adds to the policies of `demarc permissions --format cloudformation` the role that holds them:
#   demarc permissions --format cloudformation | jq -f role.jq > role.json
.Description = "Lets demarc read this account"
| .Parameters = {
    ScannerArn: {
      Type: "String",
      Description: "ARN of the role that demarc runs as",
      AllowedPattern: "arn:[a-z-]+:iam::[0-9]{12}:(role|user)/.+"
    },
    ExternalId: {
      Type: "String",
      Description: "What demarc is given as --external-id",
      MinLength: 2,
      MaxLength: 1224,
      AllowedPattern: "[\\w+=,.@:/-]+"
    },
    RoleName: { Type: "String", Default: "demarc-audit" }
  }
| [.Resources | keys[] | { Ref: . }] as $policies
| .Resources.DemarcRole = {
    Type: "AWS::IAM::Role",
    Properties: {
      RoleName: { Ref: "RoleName" },
      Description: "Read-only: what the checks of demarc need",
      MaxSessionDuration: 3600,
      ManagedPolicyArns: $policies,
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [{
          Effect: "Allow",
          Principal: { AWS: { Ref: "ScannerArn" } },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "sts:ExternalId": { Ref: "ExternalId" } } }
        }]
      }
    }
  }
| .Outputs = { RoleArn: { Value: { "Fn::GetAtt": ["DemarcRole", "Arn"] } } }
